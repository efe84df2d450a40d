import math

import numpy as np
import pytest
from support.data import samples

from contract.dataset.path_fitness import PathFitness, find_swings, row_fitness
from contract.dataset.unfit_rows import REASONS
from contract.vehicle import MAX_STEER_RAD, WHEELBASE_M
from evaluator.offline.logged_drive import read_folder

TIME_S = np.arange(900) / 15
FAST_MPS = 13.0
ALL = np.ones(900, np.bool_)


def fitness(
    steering: np.ndarray, speed_mps: np.ndarray | float, segment: np.ndarray | None = None
) -> PathFitness:
    speed = np.broadcast_to(np.asarray(speed_mps, np.float64), steering.shape)
    one = np.zeros(len(steering), np.int64)
    return row_fitness(TIME_S, one if segment is None else segment, steering, speed)


def stroke(start_s: float, length_s: float, size: float) -> np.ndarray:
    """Return the steering of a turn and the turn back, each of the length."""
    since = TIME_S - start_s
    return size * (
        ((since >= 0) & (since < length_s)).astype(float)
        - ((since >= length_s) & (since < 2 * length_s))
    )


def test_a_steady_drive_is_fit() -> None:
    assert fitness(np.full(900, 0.1), FAST_MPS).fit.all()


def test_a_car_that_stands_is_unfit() -> None:
    speed = np.where(TIME_S < 10, 0.0, FAST_MPS)
    found = fitness(np.where(TIME_S < 10, 1.0, 0.0), speed)
    assert found.count(ALL) == {"standing": 150}
    assert np.array_equal(~found.fit, TIME_S < 10)


def test_the_way_into_a_sudden_stop_is_unfit() -> None:
    speed = np.clip(FAST_MPS * (31 - TIME_S), 0.0, FAST_MPS)
    found = fitness(np.zeros(900), speed)
    stands = TIME_S[found.unfit["standing"]][0]
    assert TIME_S[found.unfit["stopping"]][0] == pytest.approx(stands - 2, abs=0.07)
    assert found.fit[stands - 2.1 > TIME_S].all()


def test_coming_to_a_stop_slowly_is_fit() -> None:
    found = fitness(np.zeros(900), np.clip(40 - TIME_S, 0.0, 10.0))
    assert set(found.count(ALL)) == {"standing"}


@pytest.mark.parametrize(("share", "slips"), [(0.98, False), (1.02, True)], ids=["holds", "slips"])
def test_steering_beyond_the_grip_is_unfit(share: float, slips: bool) -> None:
    # v² tan(angle) / wheelbase = 0.9 g, solved for the angle.
    limit_rad = math.atan(0.9 * 9.81 * WHEELBASE_M / FAST_MPS**2)
    found = fitness(np.full(900, share * limit_rad / MAX_STEER_RAD), FAST_MPS)
    assert found.unfit["slipping"].any() == slips


def test_strokes_of_a_keyboard_in_a_bend_do_not_slip() -> None:
    """Each asks for 1.3 g, and all of them together for 0.5 g."""
    strokes = np.where(np.arange(900) % 5 < 2, 0.5, 0.0)
    assert fitness(strokes, FAST_MPS).fit.all()


def test_swinging_is_unfit() -> None:
    swings = np.where(TIME_S < 20, 0.15 * np.sin(2 * np.pi * TIME_S / 2.5), 0.0)
    found = fitness(swings, FAST_MPS)
    assert set(found.count(ALL)) == {"swinging"}
    assert found.unfit["swinging"][(TIME_S > 2) & (TIME_S < 18)].all()
    assert found.fit[TIME_S > 22].all()


@pytest.mark.parametrize("length_s", [0.3, 0.8, 1.4])
def test_a_recovery_keeps_its_rows(length_s: float) -> None:
    steering = stroke(20, length_s, 0.25)
    swings = find_swings(np.full(900, 1 / 15), steering, np.full(900, FAST_MPS)).swings
    assert swings.any()
    assert fitness(steering, FAST_MPS).fit.all()


def test_recoveries_with_a_pause_of_the_recorder_between_them_are_no_swinging() -> None:
    every = sum(stroke(start, 0.8, 0.2) for start in np.arange(2, 50, 3.0))
    pauses = np.floor((TIME_S - 1) / 3).astype(np.int64)
    assert not fitness(every, FAST_MPS).fit.all()
    assert fitness(every, FAST_MPS, pauses).fit.all()


def test_two_bends_in_a_row_are_no_swinging() -> None:
    assert fitness(stroke(10, 4.0, 0.2), FAST_MPS).fit.all()


def test_nothing_is_said_without_a_speed() -> None:
    assert fitness(np.sin(TIME_S), np.nan).fit.all()


def test_a_row_is_unfit_for_one_reason() -> None:
    steering, speed = np.sin(2 * TIME_S), np.where(TIME_S % 20 < 5, 0.0, FAST_MPS)
    found = fitness(steering, speed)
    assert set(found.count(ALL)) == set(REASONS)
    assert sum(found.count(ALL).values()) == (~found.fit).sum()


@pytest.mark.parametrize(
    ("name", "least", "most"),
    [("lake", 0.0, 0.02), ("lake-2", 0.5, 0.6), ("lake-3", 0.0, 0.01), ("jungle", 0.0, 0.05)],
    ids=["lake", "lake-2", "lake-3", "jungle"],
)
def test_the_unfit_part_of_real_recordings(name: str, least: float, most: float) -> None:
    """lake-2 stands for 25 s, swings, and ends on the grass; lake and jungle stand for a moment."""
    drive = read_folder(samples.shared("data", name))
    found = row_fitness(drive.time_s, drive.segment, drive.steering, drive.speed_mps)
    assert least <= 1 - found.fit.mean() <= most
