import numpy as np
import pytest

from simulator import openloop

TIME_S = np.arange(8) / 10
ONE = np.zeros(8, np.int64)
RECORDED = np.array([0.0, 0.2, 0.2, -0.4, 0.0, 0.0, 0.8, 0.8])


def test_each_figure_is_what_it_says() -> None:
    found = openloop.score(RECORDED + 0.04, RECORDED, TIME_S, ONE)
    assert found["mse"] == pytest.approx(0.0016)
    assert found["mse_zero"] == pytest.approx((2 * 0.04 + 0.16 + 2 * 0.64) / 8)
    assert found["mse_hold"] == pytest.approx((0.04 + 0.36 + 0.16 + 0.64) / 8)
    assert found["mae_deg"] == found["bias_deg"] == pytest.approx(1.0)
    assert found["mae_hold_deg"] == pytest.approx(25 * (0.2 + 0.6 + 0.4 + 0.8) / 8)
    assert found["skill"] == pytest.approx(1 - 0.0016 / 0.15)
    assert found["correlation"] == pytest.approx(1.0)


def test_the_better_baseline_is_the_one_to_beat() -> None:
    zero = openloop.score(np.zeros(8), RECORDED, TIME_S, ONE)
    assert zero["skill"] < 0  # hold-last is better here
    impulses = np.array([0.0, 0.5, 0.0, -0.5, 0.0, 0.5, 0.0, -0.5])
    assert openloop.score(np.zeros(8), impulses, TIME_S, ONE)["skill"] == 0.0
    assert zero["correlation"] is None


def test_a_driver_who_never_steers_leaves_no_skill_to_speak_of() -> None:
    assert openloop.score(np.zeros(8), np.zeros(8), TIME_S, ONE)["skill"] is None


def test_of_some_rows_the_others_are_still_what_is_held_and_smoothed_over() -> None:
    some = np.array([False, False, True, True, False, False, True, False])
    answers = np.where(some, RECORDED + 0.04, np.nan)
    found = openloop.score(answers, RECORDED, TIME_S, ONE, some)
    assert found["rows"] == 3
    assert found["mse"] == pytest.approx(0.0016)
    assert found["mse_hold"] == pytest.approx((0 + 0.36 + 0.64) / 3)
    smooth = openloop.smoothed(RECORDED, TIME_S, ONE)[some]
    assert found["correlation_smoothed"] == pytest.approx(np.corrcoef(RECORDED[some], smooth)[0, 1])


def test_nothing_is_held_across_a_pause() -> None:
    parted = np.array([0] * 4 + [1] * 4)
    label = np.array([0.0, 0.0, 0.0, 0.6, 0.0, 0.0, 0.0, 0.0])
    whole, two = (openloop.score(label, label, TIME_S, each) for each in (ONE, parted))
    assert whole["mse_hold"] == pytest.approx(2 * 0.36 / 8)
    assert two["mse_hold"] == pytest.approx(0.36 / 8)
    assert openloop.smoothed(label, TIME_S, parted)[4] == 0.0
    assert openloop.smoothed(label, TIME_S, ONE)[4] == pytest.approx(0.6 / 7)


def test_the_smoothed_label_is_nearer_to_a_smooth_driver() -> None:
    time_s = np.arange(300) / 15
    meant = 0.3 * np.sin(time_s)
    keys = np.where(np.arange(300) % 3 == 0, 3 * meant, 0.0)
    found = openloop.score(meant, keys, time_s, np.zeros(300, np.int64))
    assert found["correlation_smoothed"] > 0.99 > 0.8 > found["correlation"]


def test_bins_part_the_rows_by_what_was_recorded() -> None:
    found = openloop.by_bin(RECORDED - 0.04, RECORDED)
    assert [(each["from"], each["to"], each["rows"]) for each in found] == [
        (-0.5, -0.2, 1),
        (-0.05, 0.05, 3),
        (0.2, 0.5, 2),
        (0.5, 1.0, 2),
    ]
    assert all(each["bias_deg"] == pytest.approx(-1.0) for each in found)
    assert openloop.by_bin(np.ones(1), np.ones(1))[0]["to"] == 1.0


def test_the_side_cameras_tell_what_correction_was_learnt() -> None:
    found = openloop.by_camera([RECORDED, RECORDED + 0.2, RECORDED - 0.25])
    assert [each["camera"] for each in found] == ["center", "left", "right"]
    assert [each["correction"] for each in found] == pytest.approx([0.0, 0.2, -0.25])
    assert len(openloop.by_camera([RECORDED])) == 1
