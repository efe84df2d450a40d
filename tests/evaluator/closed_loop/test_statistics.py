from typing import Any

import numpy as np
import pytest

from evaluator.closed_loop.statistics import (
    DRAWN_AT_ONCE,
    MEASURES,
    RESAMPLES,
    SEED,
    bootstrap_interval,
    bootstrap_means,
    summarize,
)
from simulator.episode.metrics import wilson_interval


def drive(success: bool, autonomy: float | None, helped: int = 0) -> dict[str, Any]:
    return {
        "success": success,
        "interventions": [{}] * helped,
        "metrics": {
            "autonomy_percent": autonomy,
            "lateral_mae_m": 0.5,
            "lateral_max_m": None,
            "off_road_share": 0.25,
            "whiteness_per_s": 2.0,
        },
    }


def test_each_measure_has_a_mean_and_an_interval() -> None:
    found = summarize([drive(True, 100.0), drive(True, 100.0), drive(False, 40.0, helped=3)])
    assert list(found) == [each.name for each in MEASURES]
    low, high = wilson_interval(2, 3)
    assert found["success_percent"] == pytest.approx(
        {"mean": 200 / 3, "low": 100 * low, "high": 100 * high, "unit": "%"}
    )
    assert found["autonomy_percent"]["mean"] == 80.0
    assert found["autonomy_percent"]["low"] < 80 < found["autonomy_percent"]["high"] <= 100
    assert found["interventions"]["mean"] == 1.0
    assert found["off_road_percent"] == {"mean": 25.0, "low": 25.0, "high": 25.0, "unit": "%"}


def test_the_share_of_successes_has_wilsons_interval() -> None:
    """The source's formula for 60 of 100, with 1.96 standard errors, worked out by hand."""
    found = summarize([drive(number < 60, 100.0) for number in range(100)])["success_percent"]
    assert (found["low"], found["high"]) == pytest.approx((50.20, 69.06), abs=0.01)


def test_a_measure_that_no_drive_has_is_none() -> None:
    nothing = {"mean": None, "low": None, "high": None, "unit": "m"}
    assert summarize([drive(True, 100.0)])["lateral_max_m"] == nothing
    assert summarize([])["success_percent"] == nothing | {"unit": "%"}


def test_a_measure_that_some_drives_have_is_averaged_over_those() -> None:
    found = summarize([drive(True, 100.0), drive(True, None)])
    assert found["autonomy_percent"]["mean"] == 100.0


def test_the_interval_of_the_mean_is_the_same_each_time() -> None:
    """For many values it is the normal interval: mean ± 1.96 standard errors."""
    values = np.random.default_rng(5).normal(50, 10, 400)
    half = 1.96 * float(values.std()) / 20
    low, high = bootstrap_interval(values)
    assert low == pytest.approx(values.mean() - half, abs=0.1)
    assert high == pytest.approx(values.mean() + half, abs=0.1)
    assert bootstrap_interval(values) == (low, high)


def test_the_interval_covers_the_true_mean_about_as_often_as_it_should() -> None:
    random = np.random.default_rng(6)
    inside = 0
    for _ in range(100):
        low, high = bootstrap_interval(random.exponential(10, 20))
        inside += low <= 10 <= high
    assert 80 <= inside <= 99  # a percentile bootstrap of 20 skewed values is a little too narrow


@pytest.mark.parametrize("count", [3, 400])
def test_samples_that_are_drawn_in_parts_are_those_that_are_drawn_at_once(count: int) -> None:
    values = np.random.default_rng(7).normal(0, 10, count)
    assert len(values) * RESAMPLES > DRAWN_AT_ONCE or count == 3
    indices = np.random.default_rng(SEED).integers(0, count, (RESAMPLES, count))
    np.testing.assert_array_equal(bootstrap_means(values), values[indices].mean(axis=1))


def test_samples_are_drawn_with_replacement() -> None:
    means = bootstrap_means(np.array([0.0, 1.0]))
    shares = [float((means == each).mean()) for each in (0.0, 0.5, 1.0)]
    assert shares == pytest.approx([0.25, 0.5, 0.25], abs=0.02)
    assert np.isnan(bootstrap_means(np.array([]))).all()
