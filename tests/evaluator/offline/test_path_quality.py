from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from support.data import samples

from evaluator.offline.logged_drive import LoggedDrive, read_folder
from evaluator.offline.path_quality import assess


def made_drive(steering: np.ndarray, speed_mps: float = 8.0) -> LoggedDrive:
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
    quality = assess(made_drive(np.full(900, 0.2)))
    assert (quality.oscillating_share, quality.slipping_share, quality.problems) == (0.0, 0.0, ())


def test_trembling_around_the_line_is_fit() -> None:
    assert assess(made_drive(0.05 * np.sin(2 * np.pi * TIME_S / 1.5))).problems == ()


def test_going_to_the_edge_and_back_is_unfit() -> None:
    quality = assess(made_drive(0.3 * np.sin(2 * np.pi * TIME_S / 3)))
    assert quality.oscillating_share > 0.9
    assert len(quality.problems) == 1
    assert "swings to a side and back" in quality.problems[0]


def test_two_bends_in_a_row_are_not_a_swing() -> None:
    steering = np.where(TIME_S < 30, 0.3, -0.3)
    assert assess(made_drive(steering)).oscillating_share < 0.05


def test_full_lock_at_speed_is_unfit_and_at_a_crawl_is_not() -> None:
    fast, slow = (
        assess(made_drive(np.full(900, 1.0), 13.0)),
        assess(made_drive(np.full(900, 1.0), 3.0)),
    )
    assert fast.slipping_share == pytest.approx(1.0)
    assert "more than the tyres hold in 100 %" in fast.problems[0]
    assert slow.problems == ()


def test_standing_does_not_improve_the_quality() -> None:
    made = made_drive(0.3 * np.sin(2 * np.pi * TIME_S / 3))
    standing = replace(made, speed_mps=np.where(TIME_S < 30, 0.0, 8.0))
    assert assess(standing).oscillating_share == pytest.approx(
        assess(made).oscillating_share, abs=0.05
    )


def test_a_recording_shorter_than_the_window_is_assessed() -> None:
    assert assess(made_drive(np.full(10, 0.1))).problems == ()


@pytest.mark.parametrize(("name", "fit"), [("lake", True), ("lake-2", False), ("jungle", False)])
def test_real_recordings_are_assessed(name: str, fit: bool) -> None:
    assert (assess(read_folder(samples.shared("data", name))).problems == ()) == fit
