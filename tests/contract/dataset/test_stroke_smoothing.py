import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.data import samples

from contract.dataset import timeline
from contract.dataset.stroke_smoothing import TOLERANCE_M, WINDOWS_S, spread_strokes
from evaluator.offline.logged_drive import read_folder
from evaluator.offline.virtual_car import RelativePose, advance

TIME_S = np.arange(900) / 15
ONE = np.zeros(900, np.int64)
FAST_MPS = 13.0
FAST = np.full(900, FAST_MPS)


def offsets_m(steering: np.ndarray, recorded: np.ndarray, speed_mps: np.ndarray) -> np.ndarray:
    """Return how far a car with this steering is from the recorded one, by the rerun's own car."""
    car, found = RelativePose(), []
    for row in range(len(steering)):
        found.append(car.left_m)
        car = advance(car, steering[row], recorded[row], speed_mps[row], 1 / 15)
    return np.array(found)


def deviation_s(stroke: np.ndarray) -> float:
    """Return the standard deviation of a stroke's time."""
    mean_s = np.average(TIME_S, weights=stroke)
    return float(np.sqrt(np.average((TIME_S - mean_s) ** 2, weights=stroke)))


@pytest.mark.parametrize(
    ("speed", "window_s"),
    [(FAST, WINDOWS_S[-1]), (np.full(900, np.nan), WINDOWS_S[0])],
    ids=["straight", "unknown-speed"],
)
def test_a_stroke_is_spread_as_far_as_by_the_mean_over_its_window(
    speed: np.ndarray, window_s: float
) -> None:
    """A small stroke hardly changes the path: the window is the longest."""
    strokes = np.where(np.arange(900) == 450, 0.3, 0.0)
    spread = spread_strokes(strokes, TIME_S, ONE, speed)
    assert np.average(TIME_S, weights=spread) == pytest.approx(30)
    assert deviation_s(spread) == pytest.approx(window_s / math.sqrt(12), rel=0.01)


def test_a_sharp_bend_keeps_its_peak() -> None:
    """Means over the longest window, which suits the straight, take a sixth of it."""
    strokes = np.where((TIME_S > 20) & (TIME_S < 22) & (np.arange(900) % 4 < 2), 0.6, 0.0)
    spread = spread_strokes(strokes, TIME_S, ONE, FAST)
    bend = (TIME_S > 20.4) & (TIME_S < 21.6)
    assert spread[bend].mean() > 0.9 * strokes[bend].mean()
    long = timeline.window_means(strokes, TIME_S, ONE, WINDOWS_S[-1])
    assert long[bend].mean() < 0.85 * strokes[bend].mean()


@pytest.mark.parametrize("bend_s", [0.7, 1.5, 4.0])
def test_the_path_stays_within_the_tolerance(bend_s: float) -> None:
    """The longest window, which suits the straight, would cut the bend by three times as much."""
    strokes = np.where(np.abs(TIME_S - 30) < bend_s / 2, 0.25, 0.0)
    spread = spread_strokes(strokes, TIME_S, ONE, FAST)
    until = 30 + bend_s / 2 > TIME_S
    moved_m = np.abs(offsets_m(spread, strokes, FAST))[until].max()
    assert moved_m < 1.2 * TOLERANCE_M
    long = timeline.window_means(strokes, TIME_S, ONE, WINDOWS_S[-1])
    assert np.abs(offsets_m(long, strokes, FAST))[until].max() > 1.5 * moved_m


@given(st.lists(st.floats(-1, 1), min_size=1, max_size=80), st.floats(0, 14))
def test_the_integral_is_kept(steering: list[float], speed_mps: float) -> None:
    strokes = np.array(steering) * 0.5  # below what is clipped
    count = len(strokes)
    spread = spread_strokes(strokes, TIME_S[:count], ONE[:count], np.full(count, speed_mps))
    assert spread.sum() == pytest.approx(strokes.sum(), abs=1e-9) or np.abs(spread).max() == 1.0


def test_the_integral_over_uneven_times_is_kept() -> None:
    rng = np.random.default_rng(5)
    steps_s = rng.choice([0.07, 0.08, 0.11, 0.19], 900)
    time_s = np.cumsum(steps_s) - steps_s[0]
    strokes = rng.choice([0.0, 0.0, 0.0, 0.3, -0.1], 900)
    spread = spread_strokes(strokes, time_s, ONE, FAST)
    durations = np.append(np.diff(time_s), np.median(np.diff(time_s)))
    assert (spread @ durations) == pytest.approx(strokes @ durations)


def test_a_constant_steering_stays_as_it_is() -> None:
    np.testing.assert_allclose(spread_strokes(np.full(900, 0.1), TIME_S, ONE, FAST), 0.1)


def test_nothing_is_spread_into_another_segment() -> None:
    strokes = np.where(TIME_S < 30, 0.2, 0.0)
    spread = spread_strokes(strokes, TIME_S, (TIME_S >= 30).astype(np.int64), FAST)
    np.testing.assert_allclose(spread, strokes)


def test_labels_stay_within_full_lock() -> None:
    strokes = np.where((TIME_S > 20) & (TIME_S < 23), 1.0, 0.0)
    speed = np.where(TIME_S < 21.5, 4.0, 0.1)
    assert np.abs(spread_strokes(strokes, TIME_S, ONE, speed)).max() <= 1.0


@pytest.mark.parametrize("name", ["lake", "lake-3"])
def test_labels_of_real_recordings_are_smoother_and_as_large(name: str) -> None:
    """On the straight the strokes go; in the sharpest bends the labels are those of 0.6 s."""
    drive = read_folder(samples.shared("data", name))
    spread = spread_strokes(drive.steering, drive.time_s, drive.segment, drive.speed_mps)
    means = timeline.window_means(drive.steering, drive.time_s, drive.segment, 0.6)
    assert np.abs(np.diff(spread)).mean() < 0.7 * np.abs(np.diff(means)).mean()
    for peak in (np.max, np.min):
        assert abs(peak(spread)) > 0.85 * abs(peak(means))
