from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from support.data import samples

from evaluator.offline.logged_drive import LoggedDrive, read_folder
from evaluator.offline.path_quality import assess


def road(steering: np.ndarray, speed_mps: float = 8.0) -> LoggedDrive:
    count = len(steering)
    return LoggedDrive(
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
    found = assess(road(np.full(900, 0.2)))
    assert (found.oscillating_share, found.slipping_share, found.problems) == (0.0, 0.0, ())


def test_a_driver_who_trembles_around_the_line_is_fit() -> None:
    assert assess(road(0.05 * np.sin(2 * np.pi * TIME_S / 1.5))).problems == ()


def test_going_to_the_edge_and_back_is_unfit() -> None:
    found = assess(road(0.3 * np.sin(2 * np.pi * TIME_S / 3)))
    assert found.oscillating_share > 0.9
    assert len(found.problems) == 1
    assert "swings to a side and back" in found.problems[0]


def test_two_bends_that_follow_each_other_are_none_of_it() -> None:
    steering = np.where(TIME_S < 30, 0.3, -0.3)
    assert assess(road(steering)).oscillating_share < 0.05


def test_full_lock_at_speed_is_unfit_and_at_a_crawl_is_not() -> None:
    fast, slow = assess(road(np.full(900, 1.0), 13.0)), assess(road(np.full(900, 1.0), 3.0))
    assert fast.slipping_share == pytest.approx(1.0)
    assert "more than the tyres hold in 100 %" in fast.problems[0]
    assert slow.problems == ()


def test_standing_does_not_make_a_recording_fitter() -> None:
    made = road(0.3 * np.sin(2 * np.pi * TIME_S / 3))
    standing = replace(made, speed_mps=np.where(TIME_S < 30, 0.0, 8.0))
    assert assess(standing).oscillating_share == pytest.approx(
        assess(made).oscillating_share, abs=0.05
    )


def test_a_recording_shorter_than_the_window_is_judged() -> None:
    assert assess(road(np.full(10, 0.1))).problems == ()


@pytest.mark.parametrize(("name", "fit"), [("lake", True), ("lake-2", False), ("jungle", False)])
def test_what_is_said_of_real_recordings(name: str, fit: bool) -> None:
    assert (assess(read_folder(samples.shared("data", name))).problems == ()) == fit
