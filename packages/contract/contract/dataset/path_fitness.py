"""Tells from steering and speed which rows of a drive are fit to learn from, and how it swung.

A network learns what the driver did, whatever that was: where the car stood on the grass with its
wheels at full lock, and where it swung from side to side. Rows of these four kinds are unfit
(unfit_rows.py has their names):

standing
    The car is slower than 1 m/s. Its driver turns the wheel without going anywhere.
stopping
    Within 2 s, the car comes from more than 5 m/s to a stand: it left the road or hit something.
slipping
    The steering asks for more than the tyres hold, so the car did not go where it was steered.
swinging
    The car turns to one side and back, again and again.

A recovery is no swing: the car turns back to the road and into its direction, once. Every window
that sees both of these turns begins within WINDOW_S of every other one. Windows that begin over
more than SWINGING_S have seen a third turn. The same holds for two bends in a row.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from contract.dataset import timeline
from contract.dataset.unfit_rows import REASONS
from contract.vehicle import GRAVITY_MPS2, MAX_STEER_RAD, TYRE_GRIP, WHEELBASE_M

__all__ = [
    "MIN_MOVING_MPS",
    "MIN_SWING_M",
    "PathFitness",
    "Swings",
    "demanded_mps2",
    "find_swings",
    "moving_s",
    "row_fitness",
    "yaw_rate_rad_s",
]

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
Numbers = npt.NDArray[np.int64]

MIN_MOVING_MPS: Final = 0.5
"""Below this speed the car counts as standing, and the time does not count as driving."""
WINDOW_S: Final = 3.0
"""Time within which a turn and the turn back count as one swing; two bends in a row take longer."""
WINDOW_STEP_S: Final = 0.1
MIN_SWING_M: Final = 0.5
"""Half of DAVE-2's limit: the largest part of it that the recorded path may use up by itself."""
SWINGING_S: Final = 1.5 * WINDOW_S
"""From this time on, windows with a swing that follow one another are no single turn and back.

Measured with the simulator's expert on `lake` and `jungle` at 15 and 30 mph, 12 recoveries in a
lap included: never above 3 s. Real recordings: 3.5 s in `lake-3`'s two sharpest bends, 19 s in
`lake-2`."""
CRAWL_MPS: Final = 1.0
"""Below this speed a row is unfit."""
STOP_S: Final = 2.0
STOP_FROM_MPS: Final = 5.0
"""A car that comes from this speed to a stand within STOP_S is stopped by something."""
SLIP_S: Final = 1.0
"""Time over which the lateral acceleration is averaged before it is compared with what tyres hold.

Single strokes of a keyboard in a sharp bend ask for more, and the car does not slip."""


@dataclass(frozen=True, eq=False)
class PathFitness:
    """Which rows of a recording are unfit to learn from, and why."""

    unfit: Mapping[str, Mask]
    """For each of REASONS the rows that are unfit for it and for none before it, (rows,)."""

    @property
    def fit(self) -> Mask:
        """True for rows that are fit, shape (rows,)."""
        return np.asarray(~np.logical_or.reduce(list(self.unfit.values())))

    def count(self, rows: Mask) -> dict[str, int]:
        """Return how many of some rows, shape (rows,), are unfit for each reason that occurs."""
        counts = {reason: int((mask & rows).sum()) for reason, mask in self.unfit.items()}
        return {reason: count for reason, count in counts.items() if count}


class Swings(NamedTuple):
    """Windows of driving, and whether the car turns to a side and back in each."""

    centre_s: Floats
    """Middle of each window in seconds of driving, shape (windows,)."""
    swings: Mask
    """True where the turn that is taken back carries the car MIN_SWING_M aside, (windows,)."""


def row_fitness(
    time_s: Floats, segment: Numbers, steering: npt.ArrayLike, speed_mps: npt.ArrayLike
) -> PathFitness:
    """Return which rows of a recording are unfit to learn from.

    Of rows whose speed is not known, nothing can be said: they count as fit.

    Args:
        time_s: time in seconds, shape (rows,), never decreasing.
        segment: segment number of each row, shape (rows,); no measure crosses from one into
            another.
        steering: recorded steering, shape (rows,), -1..1.
        speed_mps: recorded speed, shape (rows,); NaN where it is not known.
    """
    angle = np.asarray(steering, dtype=np.float64)
    speed = np.asarray(speed_mps, dtype=np.float64)
    stopping, swinging = np.zeros(len(speed), np.bool_), np.zeros(len(speed), np.bool_)
    duration_s = moving_s(time_s, segment, speed)
    for number in np.unique(segment):
        rows = np.flatnonzero(segment == number)
        if np.isfinite(speed[rows]).all():
            stopping[rows] = _stopping(time_s[rows], speed[rows])
            swinging[rows] = _swinging(duration_s[rows], angle[rows], speed[rows])
    demand = timeline.window_means(demanded_mps2(angle, speed), time_s, segment, SLIP_S)
    masks = (
        speed < CRAWL_MPS,
        stopping,
        np.abs(demand) > TYRE_GRIP * GRAVITY_MPS2,
        swinging,
    )
    unfit: dict[str, Mask] = {}
    taken = np.zeros(len(speed), np.bool_)
    for reason, mask in zip(REASONS, masks, strict=True):
        unfit[reason] = mask & ~taken
        taken |= mask
    return PathFitness(unfit)


def moving_s(time_s: Floats, segment: Numbers, speed_mps: Floats) -> Floats:
    """Return how long each row lasts, shape (rows,); 0 before a pause and while the car stands.

    Args:
        time_s: time in seconds, shape (rows,), never decreasing.
        segment: segment number of each row, shape (rows,).
        speed_mps: speed, shape (rows,).
    """
    duration_s = np.append(np.diff(time_s), 0.0)
    duration_s[np.append(np.diff(segment) != 0, True)] = 0.0
    return np.where(speed_mps > MIN_MOVING_MPS, duration_s, 0.0)


def yaw_rate_rad_s(steering: Floats, speed_mps: Floats) -> Floats:
    """Return the yaw rate of the kinematic bicycle, positive to the left, shape (rows,).

    It is v tan(25 degrees s) / 2.87 m (docs/protocol.md), without the lag.
    """
    angle_rad = np.clip(steering, -1.0, 1.0) * MAX_STEER_RAD
    return np.asarray(-speed_mps * np.tan(angle_rad) / WHEELBASE_M)


def demanded_mps2(steering: Floats, speed_mps: Floats) -> Floats:
    """Return the lateral acceleration that the steering asks for, v times the yaw rate, (rows,)."""
    return np.asarray(yaw_rate_rad_s(steering, speed_mps) * speed_mps)


def find_swings(duration_s: Floats, steering: Floats, speed_mps: Floats) -> Swings:
    """Find the windows of driving in which the car turns to a side and back.

    The turning in a window that goes one way and is taken back again is half of the turning beyond
    the net turn, (integral |yaw| - |integral yaw|) / 2. A heading that is wrong by that angle for
    half of the window, and on average by half of it, carries the car
    v * turn taken back * window / 4 to a side.

    Args:
        duration_s: duration of each row, 0 where the car stands, shape (rows,).
        steering: recorded steering, shape (rows,), -1..1.
        speed_mps: recorded speed, shape (rows,).
    """
    yaw = yaw_rate_rad_s(steering, speed_mps)
    clock = np.concatenate([[0.0], np.cumsum(duration_s)])
    window_s = min(WINDOW_S, float(clock[-1]))
    starts = np.arange(0.0, clock[-1] - window_s + WINDOW_STEP_S, WINDOW_STEP_S)

    def integrate(rates: Floats) -> Floats:
        """Return the integral over each window of a rate that is given at each row."""
        integral = np.concatenate([[0.0], np.cumsum(rates * duration_s)])
        ends = np.interp(starts + window_s, clock, integral)
        return np.asarray(ends - np.interp(starts, clock, integral))

    taken_back = (integrate(np.abs(yaw)) - np.abs(integrate(yaw))) / 2
    # The integral of the speed is v * window.
    swing_m = integrate(speed_mps) * taken_back / 4
    return Swings(starts + window_s / 2, swing_m > MIN_SWING_M)


def _swinging(duration_s: Floats, steering: Floats, speed_mps: Floats) -> Mask:
    """Return the rows, shape (rows,), in the middle of windows that swing again and again."""
    windows = find_swings(duration_s, steering, speed_mps)
    edges = np.diff(windows.swings.astype(np.int8), prepend=0, append=0)
    begins, ends = np.flatnonzero(edges > 0), np.flatnonzero(edges < 0) - 1
    clock = np.cumsum(duration_s) - duration_s
    swinging = np.zeros(len(clock), np.bool_)
    for first_s, last_s in zip(windows.centre_s[begins], windows.centre_s[ends], strict=True):
        if last_s - first_s > SWINGING_S:
            swinging |= (clock >= first_s) & (clock <= last_s)
    return swinging


def _stopping(time_s: Floats, speed_mps: Floats) -> Mask:
    """Return the rows, shape (rows,), of STOP_S before the car stands that was just fast."""
    stands = np.flatnonzero((speed_mps[1:] < CRAWL_MPS) & (speed_mps[:-1] >= CRAWL_MPS)) + 1
    stopping = np.zeros(len(speed_mps), np.bool_)
    for row in stands.tolist():
        before = (time_s >= time_s[row] - STOP_S) & (time_s <= time_s[row])
        if speed_mps[before].max() > STOP_FROM_MPS:
            stopping |= before
    return stopping
