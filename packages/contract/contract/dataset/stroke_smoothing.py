"""Spreads the strokes of a driver's steering over time, as far as the driven path allows.

A keyboard driver steers in strokes: where the road bends slowly, one every second; in a sharp bend,
several a second and longer ones. A short mean leaves the strokes on the straight as noise, which no
picture tells; a long one takes the peak off the sharp bend. So each row has a window of its own:
the longest one whose smoothed steering would have driven within TOLERANCE_M of the recorded path.

Means over windows of different lengths would not keep the integral of the steering, and with it the
heading. So the steering diffuses, as heat does, as much as a mean over the window would spread it:
what one row gets, its neighbour gives, and a constant steering stays what it is.

The path is that of the kinematic bicycle: its lateral offset y has y'' = v * yaw rate along the
road, for small angles. A symmetric mean of the steering over a window has the mean offset of that
window, so their difference is known from the second integral alone, at constant speed.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np
import numpy.typing as npt

from contract.dataset import path_fitness, timeline

__all__ = ["TOLERANCE_M", "WINDOWS_S", "spread_strokes"]

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
Numbers = npt.NDArray[np.int64]

WINDOWS_S: Final = (0.6, 0.9, 1.2, 1.8, 2.4)
"""Lengths of windows to choose from, in seconds."""
MAX_EXCHANGE: Final = 0.25
"""Maximum share of the difference to a neighbour that a row gets in a pass; stable below 1/2."""
MIN_STEP_S: Final = 1 / 60
"""Minimum duration of a row in seconds; it bounds the number of passes."""
TOLERANCE_M: Final = 0.25
"""Maximum distance from the recorded path: half of the swing that makes a recording unfit."""


def spread_strokes(
    steering: npt.NDArray[np.floating], time_s: Floats, segment: Numbers, speed_mps: npt.ArrayLike
) -> Floats:
    """Return the steering, each stroke of which is spread over the rows around it, shape (rows,).

    Args:
        steering: recorded steering, shape (rows,), -1..1.
        time_s: time in seconds, shape (rows,), never decreasing.
        segment: segment number of each row, shape (rows,); nothing is spread from one into another.
        speed_mps: recorded speed, shape (rows,). In a segment with an unknown speed, NaN, all
            windows have the shortest length.
    """
    strokes, speed = np.asarray(steering, np.float64), np.asarray(speed_mps, np.float64)
    spread = np.empty(len(strokes))
    borders = np.flatnonzero(np.diff(segment)) + 1
    for rows in np.split(np.arange(len(strokes)), borders):
        if len(rows):
            windows_s = _windows_s(strokes[rows], time_s[rows], speed[rows])
            spread[rows] = _diffuse(strokes[rows], time_s[rows], windows_s)
    return spread


def _windows_s(steering: Floats, time_s: Floats, speed_mps: Floats) -> Floats:
    """Return the length of each row's window, shape (rows,): the longest that keeps the path."""
    chosen = np.full(len(steering), WINDOWS_S[0])
    if not np.isfinite(speed_mps).all():
        return chosen
    yaw = path_fitness.yaw_rate_rad_s(steering, speed_mps)
    steps_s = np.diff(time_s)
    heading = _integral(yaw[:-1] * steps_s)
    # Within a row the yaw rate is constant, so the offset is a parabola.
    sideways_m = heading[:-1] * steps_s + yaw[:-1] * steps_s**2 / 2
    offset = _integral(speed_mps[:-1] * sideways_m)
    area = _integral((offset[1:] + offset[:-1]) / 2 * steps_s)
    kept = np.ones(len(steering), np.bool_)
    for window_s in WINDOWS_S[1:]:
        half_s = np.minimum(window_s / 2, np.minimum(time_s - time_s[0], time_s[-1] - time_s))
        inside = half_s > 0
        mean = offset.copy()
        upper, lower = (
            np.interp(time_s[inside] + sign * half_s[inside], time_s, area) for sign in (1, -1)
        )
        mean[inside] = (upper - lower) / (2 * half_s[inside])
        beyond = (np.abs(mean - offset) > TOLERANCE_M).astype(np.float64)
        # A row's steering moves the path within its whole window.
        one = np.zeros(len(steering), np.int64)
        kept &= timeline.window_means(beyond, time_s, one, window_s) == 0
        chosen[kept] = window_s
    return chosen


def _diffuse(steering: Floats, time_s: Floats, windows_s: Floats) -> Floats:
    """Return the steering after it has diffused between neighbouring rows.

    In P passes with the share c, a stroke spreads with a variance of 2 c P rows². So c is chosen to
    give each row the variance of an even window, w² / 12. What a row gets its neighbour gives, each
    weighted by its duration.
    """
    if len(steering) < 2:
        return steering
    step_s = max(float(np.median(np.diff(time_s))), MIN_STEP_S)
    duration_s = np.maximum(np.append(np.diff(time_s), step_s), MIN_STEP_S)
    variance = (np.minimum(windows_s[:-1], windows_s[1:]) / step_s) ** 2 / 12
    passes = math.ceil(variance.max() / (2 * MAX_EXCHANGE))
    flow = variance / (2 * passes) * np.minimum(duration_s[:-1], duration_s[1:])
    given, taken = flow / duration_s[:-1], flow / duration_s[1:]
    diffused = steering.copy()
    for _ in range(passes):
        difference = np.diff(diffused)
        diffused[:-1] += given * difference
        diffused[1:] -= taken * difference
    return diffused


def _integral(steps: Floats) -> Floats:
    return np.concatenate([[0.0], np.cumsum(steps)])
