from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from support.data import samples

from evaluator.offline.logged_drive import Recorded, read
from evaluator.offline.path_quality import judge


def road(steering: np.ndarray, speed_mps: float = 8.0) -> Recorded:
    count = len(steering)
    return Recorded(
        "made",
        np.arange(count) / 15,
        steering,
        np.full(count, speed_mps),
        np.zeros(count, np.int64),
        ((Path("center.jpg"),),) * count,
        0,
        False,
        np.arange(count),
    )


TIME_S = np.arange(900) / 15


def test_a_steady_bend_is_fit() -> None:
    found = judge(road(np.full(900, 0.2)))
    assert (found.swinging, found.slipping, found.reasons) == (0.0, 0.0, ())


def test_a_driver_who_trembles_around_the_line_is_fit() -> None:
    assert judge(road(0.05 * np.sin(2 * np.pi * TIME_S / 1.5))).reasons == ()


def test_going_to_the_edge_and_back_is_unfit() -> None:
    found = judge(road(0.3 * np.sin(2 * np.pi * TIME_S / 3)))
    assert found.swinging > 0.9
    assert len(found.reasons) == 1
    assert "swings to a side and back" in found.reasons[0]


def test_two_bends_that_follow_each_other_are_none_of_it() -> None:
    steering = np.where(TIME_S < 30, 0.3, -0.3)
    assert judge(road(steering)).swinging < 0.05


def test_full_lock_at_speed_is_unfit_and_at_a_crawl_is_not() -> None:
    fast, slow = judge(road(np.full(900, 1.0), 13.0)), judge(road(np.full(900, 1.0), 3.0))
    assert fast.slipping == pytest.approx(1.0)
    assert "more than the tyres hold in 100 %" in fast.reasons[0]
    assert slow.reasons == ()


def test_standing_does_not_make_a_recording_fitter() -> None:
    made = road(0.3 * np.sin(2 * np.pi * TIME_S / 3))
    standing = replace(made, speed_mps=np.where(TIME_S < 30, 0.0, 8.0))
    assert judge(standing).swinging == pytest.approx(judge(made).swinging, abs=0.05)


def test_a_recording_shorter_than_the_window_is_judged() -> None:
    assert judge(road(np.full(10, 0.1))).reasons == ()


@pytest.mark.parametrize(("name", "fit"), [("lake", True), ("lake-2", False), ("jungle", False)])
def test_what_is_said_of_real_recordings(name: str, fit: bool) -> None:
    assert (judge(read(samples.shared("data", name))).reasons == ()) == fit
