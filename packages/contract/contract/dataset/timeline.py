"""Computes the time of a recording's rows, and their segments of uninterrupted driving."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from contract.vehicle import ROW_S

__all__ = ["Clock", "clock", "row_segments", "row_times", "segments", "window_means"]

MAX_PAUSE_S: Final = 0.5
"""Longest pause between two rows of one segment, in seconds."""
WINDOW_TOLERANCE_S: Final = 1e-4
"""Tolerance at both ends of a window, in seconds.

It is less than the millisecond of a recorder's time stamps, and more than the rounding error of
sums of them."""

Floats = npt.NDArray[np.float64]
Numbers = npt.NDArray[np.int64]


class Clock(NamedTuple):
    """Holds the time of each row of a recording."""

    time_s: Floats
    """Time in seconds, shape (rows,), never decreasing."""
    nominal: bool
    """True if the file names have no usable times: then rows start at 0 and are ROW_S apart."""


def clock(stamps_s: npt.ArrayLike) -> Clock:
    """Return the time of each row of a recording.

    Args:
        stamps_s: time in seconds in each row's file name, shape (rows,); NaN where a name has none.
            These times are used only if all names have one and they never decrease.
    """
    times_s = np.asarray(stamps_s, dtype=np.float64)
    if np.isfinite(times_s).all() and (np.diff(times_s) >= 0).all():
        return Clock(times_s, nominal=False)
    return Clock(np.arange(len(times_s), dtype=np.float64) * ROW_S, nominal=True)


def segments(time_s: Floats, interrupted: npt.NDArray[np.bool_] | None = None) -> Numbers:
    """Number the segments of uninterrupted driving from 0, shape (rows,).

    Args:
        time_s: time in seconds, shape (rows,), never decreasing.
        interrupted: shape (rows - 1,); true where a segment ends for another reason than a pause,
            for example because a row between the two was left out.
    """
    if not len(time_s):
        return np.zeros(0, dtype=np.int64)
    ends = np.diff(time_s) > MAX_PAUSE_S
    if interrupted is not None:
        ends = ends | interrupted
    return np.concatenate([[0], np.cumsum(ends)]).astype(np.int64)


def row_times(rows: npt.NDArray[np.void]) -> Floats:
    """Return the time in seconds of each row of a store's table, shape (rows,)."""
    return clock(rows["time_s"]).time_s


def row_segments(rows: npt.NDArray[np.void]) -> Numbers:
    """Number the segments of uninterrupted driving in a store's table from 0, shape (rows,)."""
    return segments(row_times(rows))


def window_means(
    values: npt.NDArray[np.floating], time_s: Floats, segment: Numbers, window_s: float
) -> Floats:
    """Return the mean of the values in a window of time around each row, shape (rows,).

    Args:
        values: values of the rows, shape (rows,).
        time_s: time in seconds, shape (rows,), never decreasing.
        segment: segment number of each row, shape (rows,); a window never crosses from one segment
            into another.
        window_s: length of the window in seconds; the row is in its middle.
    """
    half_s = window_s / 2 + WINDOW_TOLERANCE_S
    segment_start = np.searchsorted(segment, segment, side="left")
    segment_end = np.searchsorted(segment, segment, side="right")
    starts = np.maximum(np.searchsorted(time_s, time_s - half_s, side="left"), segment_start)
    ends = np.minimum(np.searchsorted(time_s, time_s + half_s, side="right"), segment_end)
    sums = np.concatenate([[0.0], np.cumsum(values, dtype=np.float64)])
    return np.asarray((sums[ends] - sums[starts]) / (ends - starts))
