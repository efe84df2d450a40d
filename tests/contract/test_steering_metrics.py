import numpy as np
import pytest

from contract import steering_metrics
from contract.dataset import timeline
from contract.steering_metrics import SMOOTHING_S, hold_last, score, score_drive

TIME_S = np.arange(8) / 10
ONE_SEGMENT = np.zeros(8, np.int64)
RECORDED = np.array([0.0, 0.2, 0.2, -0.4, 0.0, 0.0, 0.8, 0.8])


def values(*numbers: float) -> np.ndarray:
    return np.array(numbers, np.float32)


def test_metrics_equal_those_computed_by_hand() -> None:
    scores = score(values(0.1, 0.3), values(0.2, 0.4), values(0.0, 0.2))
    assert scores["rows"] == 2
    assert scores["mse"] == pytest.approx(0.01)
    assert scores["mse_zero"] == pytest.approx((0.04 + 0.16) / 2)
    assert scores["mse_hold"] == pytest.approx(0.04)
    assert scores["mae_deg"] == pytest.approx(2.5)
    assert scores["correlation"] == pytest.approx(1.0)


def test_the_correlation_of_a_constant_is_undefined() -> None:
    """This holds in both kinds of score, and `defined` leaves it out."""
    scores = score(values(0.1, 0.1), values(0.2, 0.4), values(0, 0))
    assert scores["correlation"] is None
    assert set(scores) - set(steering_metrics.defined(scores)) == {"correlation"}
    assert score_drive(np.zeros(8), RECORDED, TIME_S, ONE_SEGMENT)["correlation"] is None
    constant, whole = values(0.2, 0.2), values(0, 1)
    assert score(values(0.1, 0.3), constant, constant)["correlation"] is None
    assert score(values(0.1, 0.3), whole, whole)["correlation"] == pytest.approx(1.0)


def test_hold_last_starts_again_after_a_pause() -> None:
    held = hold_last(values(0.1, 0.2, 0.3, 0.4), np.array([0, 0, 1, 1]))
    np.testing.assert_allclose(held, values(0, 0.1, 0, 0.3))
    for count in range(3):
        held = hold_last(values(0.1, 0.2)[:count], np.zeros(count, np.int64))
        np.testing.assert_allclose(held, values(0, 0.1)[:count])


def test_metrics_of_a_drive_equal_those_computed_by_hand() -> None:
    scores = score_drive(RECORDED + 0.04, RECORDED, TIME_S, ONE_SEGMENT)
    assert scores["mse"] == pytest.approx(0.0016)
    assert scores["mse_zero"] == pytest.approx((2 * 0.04 + 0.16 + 2 * 0.64) / 8)
    assert scores["mse_hold"] == pytest.approx((0.04 + 0.36 + 0.16 + 0.64) / 8)
    assert scores["mae_deg"] == scores["bias_deg"] == pytest.approx(1.0)
    assert scores["mae_hold_deg"] == pytest.approx(25 * (0.2 + 0.6 + 0.4 + 0.8) / 8)
    assert scores["skill"] == pytest.approx(1 - 0.0016 / 0.15)
    assert scores["correlation"] == pytest.approx(1.0)


def test_the_skill_compares_with_the_better_baseline() -> None:
    zero = score_drive(np.zeros(8), RECORDED, TIME_S, ONE_SEGMENT)
    assert zero["skill"] < 0  # repeating the last steering is better here
    impulses = np.array([0.0, 0.5, 0.0, -0.5, 0.0, 0.5, 0.0, -0.5])
    assert score_drive(np.zeros(8), impulses, TIME_S, ONE_SEGMENT)["skill"] == 0.0


def test_a_driver_who_never_steers_leaves_the_skill_undefined() -> None:
    assert score_drive(np.zeros(8), np.zeros(8), TIME_S, ONE_SEGMENT)["skill"] is None


def test_rows_that_are_not_scored_still_serve_hold_last_and_smoothing() -> None:
    scored = np.array([False, False, True, True, False, False, True, False])
    predicted = np.where(scored, RECORDED + 0.04, np.nan)
    scores = score_drive(predicted, RECORDED, TIME_S, ONE_SEGMENT, scored)
    assert scores["rows"] == 3
    assert scores["mse"] == pytest.approx(0.0016)
    assert scores["mse_hold"] == pytest.approx((0 + 0.36 + 0.64) / 3)
    smooth = timeline.window_means(RECORDED, TIME_S, ONE_SEGMENT, SMOOTHING_S)[scored]
    expected = np.corrcoef(RECORDED[scored], smooth)[0, 1]
    assert scores["correlation_smoothed"] == pytest.approx(expected)


def test_steering_is_not_held_across_a_pause() -> None:
    two_segments = np.array([0] * 4 + [1] * 4)
    label = np.array([0.0, 0.0, 0.0, 0.6, 0.0, 0.0, 0.0, 0.0])
    one, two = (
        score_drive(label, label, TIME_S, segment) for segment in (ONE_SEGMENT, two_segments)
    )
    assert one["mse_hold"] == pytest.approx(2 * 0.36 / 8)
    assert two["mse_hold"] == pytest.approx(0.36 / 8)


def test_smooth_steering_correlates_better_with_the_smoothed_label() -> None:
    time_s = np.arange(300) / 15
    intended = 0.3 * np.sin(time_s)
    keys = np.where(np.arange(300) % 3 == 0, 3 * intended, 0.0)
    scores = score_drive(intended, keys, time_s, np.zeros(300, np.int64))
    assert scores["correlation_smoothed"] > 0.99 > 0.8 > scores["correlation"]


def test_bins_group_the_rows_by_recorded_steering() -> None:
    bins = steering_metrics.by_bin(RECORDED - 0.04, RECORDED)
    assert [(entry["from"], entry["to"], entry["rows"]) for entry in bins] == [
        (-0.5, -0.2, 1),
        (-0.05, 0.05, 3),
        (0.2, 0.5, 2),
        (0.5, 1.0, 2),
    ]
    assert all(entry["bias_deg"] == pytest.approx(-1.0) for entry in bins)
    assert steering_metrics.by_bin(np.ones(1), np.ones(1))[0]["to"] == 1.0
    assert steering_metrics.by_bin(np.ones(2), np.array([-1.0, -0.6]))[0]["from"] == -1.0


def test_the_side_cameras_show_which_correction_was_learnt() -> None:
    cameras = steering_metrics.by_camera([RECORDED, RECORDED + 0.2, RECORDED - 0.25])
    assert [camera["camera"] for camera in cameras] == ["center", "left", "right"]
    assert [camera["correction"] for camera in cameras] == pytest.approx([0.0, 0.2, -0.25])
    assert len(steering_metrics.by_camera([RECORDED])) == 1


def test_the_gain_is_the_slope_of_the_best_line() -> None:
    rng = np.random.default_rng(7)
    label = rng.uniform(-1, 1, 400).astype(np.float32)
    predicted = (0.7 * label + 0.1 + rng.normal(0, 0.2, 400)).astype(np.float32)
    slope = np.polyfit(label.astype(np.float64), predicted.astype(np.float64), 1)[0]
    assert steering_metrics.gain(predicted, label) == pytest.approx(slope)


@pytest.mark.parametrize("label", [[], [0.2], [0.2, 0.2]], ids=["none", "one", "constant"])
def test_the_gain_on_a_constant_is_undefined(label: list[float]) -> None:
    assert steering_metrics.gain(np.ones(len(label)), np.array(label)) is None


def test_the_gain_by_bin_is_computed_by_hand() -> None:
    label = np.array([-0.6, -0.4, -0.3, 0.0, 0.02, 0.1])
    predicted = np.array([-0.3, -0.2, -0.3, 0.5, 0.5, 0.2])
    bins = steering_metrics.gain_by_bin(predicted, label)
    assert [(each["from"], each["to"], each["rows"]) for each in bins] == [
        (-1.0, -0.5, 1),
        (-0.5, -0.2, 2),
        (-0.05, 0.05, 2),
        (0.05, 0.2, 1),
    ]
    gains = [each["gain"] for each in bins]
    assert gains[0] == pytest.approx(0.5)
    # (0.4 * 0.2 + 0.3 * 0.3) / (0.4² + 0.3²)
    assert gains[1] == pytest.approx(0.17 / 0.25)
    assert gains[2] is None
    assert gains[3] == pytest.approx(2.0)


def test_the_gain_of_a_drive_is_that_on_the_smoothed_label() -> None:
    """A network that gives a keyboard's means has gain 1, though less than 0.6 on the strokes."""
    time_s = np.arange(300) / 15
    keys = np.where(np.arange(300) % 9 < 4, 0.5, 0.0) * (np.sin(time_s / 2) > 0)
    segment = np.zeros(300, np.int64)
    means = timeline.window_means(keys, time_s, segment, SMOOTHING_S)
    scores = score_drive(means, keys, time_s, segment)
    assert scores["gain"] == pytest.approx(1.0)
    assert all(each["gain"] in (None, pytest.approx(1.0)) for each in scores["gain_by_bin"])
    assert np.polyfit(keys, means, 1)[0] < 0.6
    some = np.arange(300) < 100
    part = score_drive(np.where(some, 0.5 * means, np.nan), keys, time_s, segment, some)
    assert part["gain"] == pytest.approx(0.5)
