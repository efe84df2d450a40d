import math

import numpy as np
import pytest

from simulator.episode.metrics import (
    autonomy_percent,
    compute_metrics,
    distance_per_intervention_m,
    lateral_errors_m,
    off_road_share,
    whiteness_per_s,
    wilson_interval,
)

NOTHING = np.empty(0)


def test_autonomy_gives_the_example_of_the_paper() -> None:
    assert autonomy_percent(10, 600.0) == pytest.approx(90.0)


def test_autonomy_is_never_negative() -> None:
    assert autonomy_percent(11, 60.0) == 0.0


def test_autonomy_needs_time() -> None:
    assert autonomy_percent(0, 0.0) is None


def test_distance_per_intervention() -> None:
    assert distance_per_intervention_m(1200.0, 3) == 400.0
    assert distance_per_intervention_m(1200.0, 0) is None


def test_lateral_errors_of_either_side_do_not_cancel() -> None:
    assert lateral_errors_m(np.array([3.0, -4.0, 0.0, 0.0])) == pytest.approx((1.75, 2.5, 4.0))


def test_off_road_is_a_share() -> None:
    assert off_road_share(np.array([True, False, False, False])) == 0.25


def test_whiteness_of_a_ramp_is_its_slope() -> None:
    time_s = np.arange(30) / 15
    assert whiteness_per_s(time_s, 0.3 * time_s) == pytest.approx(0.3)


def test_whiteness_of_a_zigzag_is_its_step_per_frame() -> None:
    time_s = np.arange(30) / 15
    assert whiteness_per_s(time_s, 0.1 * (-1.0) ** np.arange(30)) == pytest.approx(0.2 * 15)


def test_whiteness_does_not_depend_on_the_observation_rate() -> None:
    commands = np.sin(np.arange(150))
    times_s = np.arange(1000) / 100
    held = commands[np.floor(times_s * 15 + 1e-9).astype(int)]
    assert whiteness_per_s(times_s, held) == pytest.approx(
        whiteness_per_s(np.arange(150) / 15, commands), rel=1e-9
    )


def test_whiteness_needs_two_frames() -> None:
    assert whiteness_per_s(np.array([0.0, 0.05]), np.array([0.0, 1.0])) is None


@pytest.mark.parametrize(
    ("successes", "count", "low", "high"),
    [
        (10, 10, 0.7225, 1.0),
        (0, 10, 0.0, 0.2775),
        (20, 20, 0.8389, 1.0),
        # Newcombe 1998, Statistics in Medicine 17, table I, method 3.
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilson_gives_the_published_intervals(
    successes: int, count: int, low: float, high: float
) -> None:
    assert wilson_interval(successes, count) == pytest.approx((low, high), abs=6e-5)


def test_without_drives_the_wilson_interval_is_everything() -> None:
    assert wilson_interval(0, 0) == (0.0, 1.0)


def test_a_drive_has_its_metrics() -> None:
    time_s = np.arange(601) / 10
    metrics = compute_metrics(
        time_s, np.full(601, -0.5), np.arange(601) < 300, np.zeros(601), 2, 500.0
    )
    assert metrics.autonomy_percent == pytest.approx(80.0)
    assert metrics.distance_per_intervention_m == 250.0
    assert metrics.lateral_mae_m == metrics.lateral_rmse_m == metrics.lateral_max_m == 0.5
    assert metrics.off_road_share == pytest.approx(300 / 601)
    assert metrics.whiteness_per_s == 0.0


def test_undefined_metrics_are_none_and_not_nan() -> None:
    metrics = compute_metrics(NOTHING, NOTHING, NOTHING > 0, NOTHING, 0, 0.0)
    assert set(vars(metrics).values()) == {None}


def test_rmse_is_never_less_than_mae() -> None:
    mae, rmse, largest = lateral_errors_m(np.random.default_rng(1).normal(size=1000))
    assert mae is not None
    assert rmse is not None
    assert largest is not None
    assert math.isfinite(largest)
    assert mae < rmse < largest
