import numpy as np
import pytest

from contract import steering_metrics
from contract.dataset import timeline
from contract.steering_metrics import SMOOTHING_S, hold_last, score, score_drive

TIME_S = np.arange(8) / 10
ONE = np.zeros(8, np.int64)
RECORDED = np.array([0.0, 0.2, 0.2, -0.4, 0.0, 0.0, 0.8, 0.8])


def values(*numbers: float) -> np.ndarray:
    return np.array(numbers, np.float32)


def test_figures_are_those_of_paper_and_pencil() -> None:
    scores = score(values(0.1, 0.3), values(0.2, 0.4), values(0.0, 0.2))
    assert scores["rows"] == 2
    assert scores["mse"] == pytest.approx(0.01)
    assert scores["mse_zero"] == pytest.approx((0.04 + 0.16) / 2)
    assert scores["mse_hold"] == pytest.approx(0.04)
    assert scores["mae_deg"] == pytest.approx(2.5)
    assert scores["correlation"] == pytest.approx(1.0)


def test_the_correlation_of_a_constant_is_undefined() -> None:
    """In both kinds of score, and so it is left out of what has a value."""
    scores = score(values(0.1, 0.1), values(0.2, 0.4), values(0, 0))
    assert scores["correlation"] is None
    assert set(scores) - set(steering_metrics.defined(scores)) == {"correlation"}
    assert score_drive(np.zeros(8), RECORDED, TIME_S, ONE)["correlation"] is None


def test_hold_last_starts_again_after_a_pause() -> None:
    held = hold_last(values(0.1, 0.2, 0.3, 0.4), np.array([0, 0, 1, 1]))
    np.testing.assert_allclose(held, values(0, 0.1, 0, 0.3))


def test_each_figure_of_a_drive_is_what_it_says() -> None:
    scores = score_drive(RECORDED + 0.04, RECORDED, TIME_S, ONE)
    assert scores["mse"] == pytest.approx(0.0016)
    assert scores["mse_zero"] == pytest.approx((2 * 0.04 + 0.16 + 2 * 0.64) / 8)
    assert scores["mse_hold"] == pytest.approx((0.04 + 0.36 + 0.16 + 0.64) / 8)
    assert scores["mae_deg"] == scores["bias_deg"] == pytest.approx(1.0)
    assert scores["mae_hold_deg"] == pytest.approx(25 * (0.2 + 0.6 + 0.4 + 0.8) / 8)
    assert scores["skill"] == pytest.approx(1 - 0.0016 / 0.15)
    assert scores["correlation"] == pytest.approx(1.0)


def test_the_better_baseline_is_the_one_to_beat() -> None:
    zero = score_drive(np.zeros(8), RECORDED, TIME_S, ONE)
    assert zero["skill"] < 0  # hold-last is better here
    impulses = np.array([0.0, 0.5, 0.0, -0.5, 0.0, 0.5, 0.0, -0.5])
    assert score_drive(np.zeros(8), impulses, TIME_S, ONE)["skill"] == 0.0


def test_a_driver_who_never_steers_leaves_the_skill_undefined() -> None:
    assert score_drive(np.zeros(8), np.zeros(8), TIME_S, ONE)["skill"] is None


def test_rows_that_are_not_scored_still_serve_hold_last_and_smoothing() -> None:
    some = np.array([False, False, True, True, False, False, True, False])
    answers = np.where(some, RECORDED + 0.04, np.nan)
    scores = score_drive(answers, RECORDED, TIME_S, ONE, some)
    assert scores["rows"] == 3
    assert scores["mse"] == pytest.approx(0.0016)
    assert scores["mse_hold"] == pytest.approx((0 + 0.36 + 0.64) / 3)
    smooth = timeline.window_means(RECORDED, TIME_S, ONE, SMOOTHING_S)[some]
    expected = np.corrcoef(RECORDED[some], smooth)[0, 1]
    assert scores["correlation_smoothed"] == pytest.approx(expected)


def test_nothing_is_held_across_a_pause() -> None:
    parted = np.array([0] * 4 + [1] * 4)
    label = np.array([0.0, 0.0, 0.0, 0.6, 0.0, 0.0, 0.0, 0.0])
    whole, two = (score_drive(label, label, TIME_S, segment) for segment in (ONE, parted))
    assert whole["mse_hold"] == pytest.approx(2 * 0.36 / 8)
    assert two["mse_hold"] == pytest.approx(0.36 / 8)


def test_the_smoothed_label_is_nearer_to_a_smooth_driver() -> None:
    time_s = np.arange(300) / 15
    meant = 0.3 * np.sin(time_s)
    keys = np.where(np.arange(300) % 3 == 0, 3 * meant, 0.0)
    scores = score_drive(meant, keys, time_s, np.zeros(300, np.int64))
    assert scores["correlation_smoothed"] > 0.99 > 0.8 > scores["correlation"]


def test_bins_part_the_rows_by_what_was_recorded() -> None:
    bins = steering_metrics.by_bin(RECORDED - 0.04, RECORDED)
    assert [(part["from"], part["to"], part["rows"]) for part in bins] == [
        (-0.5, -0.2, 1),
        (-0.05, 0.05, 3),
        (0.2, 0.5, 2),
        (0.5, 1.0, 2),
    ]
    assert all(part["bias_deg"] == pytest.approx(-1.0) for part in bins)
    assert steering_metrics.by_bin(np.ones(1), np.ones(1))[0]["to"] == 1.0


def test_the_side_cameras_show_what_correction_was_learnt() -> None:
    cameras = steering_metrics.by_camera([RECORDED, RECORDED + 0.2, RECORDED - 0.25])
    assert [camera["camera"] for camera in cameras] == ["center", "left", "right"]
    assert [camera["correction"] for camera in cameras] == pytest.approx([0.0, 0.2, -0.25])
    assert len(steering_metrics.by_camera([RECORDED])) == 1
