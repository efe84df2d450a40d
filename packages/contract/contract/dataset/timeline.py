"""The time of a recording's rows, and the segments of uninterrupted driving that they form."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from contract.vehicle import ROW_S

__all__ = ["Clock", "clock", "row_segments", "row_times", "segments", "window_means"]

BREAK_S: Final = 0.5
"""A longer pause between two rows ends a segment."""
ROUNDING_S: Final = 1e-4
"""Tolerance at the ends of a window.

Less than the millisecond of a recorder's time stamps, more than sums of them lose by rounding."""

Floats = npt.NDArray[np.float64]
Numbers = npt.NDArray[np.int64]


class Clock(NamedTuple):
    """The time of each row."""

    time_s: Floats
    """Seconds, shape (rows,), never falling."""
    nominal: bool
    """Whether the file names gave no time, so that rows count as one row interval apart, from 0."""


def clock(stamps_s: npt.ArrayLike) -> Clock:
    """Return the time of each row of a recording.

    Args:
        stamps_s: seconds that the rows' file names carry, shape (rows,); NaN where one carries
            none. They are taken if all names carry one and none is older than the one before.
    """
    times = np.asarray(stamps_s, dtype=np.float64)
    if np.isfinite(times).all() and (np.diff(times) >= 0).all():
        return Clock(times, nominal=False)
    return Clock(np.arange(len(times), dtype=np.float64) * ROW_S, nominal=True)


def segments(time_s: Floats, interrupted: npt.NDArray[np.bool_] | None = None) -> Numbers:
    """Number the segments of uninterrupted driving from 0, shape (rows,).

    Args:
        time_s: shape (rows,), never falling.
        interrupted: shape (rows - 1,), true where a segment ends for another reason than a pause,
            such as a row that was left out.
    """
    if not len(time_s):
        return np.zeros(0, dtype=np.int64)
    ends = np.diff(time_s) > BREAK_S
    if interrupted is not None:
        ends = ends | interrupted
    return np.concatenate([[0], np.cumsum(ends)]).astype(np.int64)


def row_times(rows: npt.NDArray[np.void]) -> Floats:
    """Return the seconds of each row of a store's table, shape (rows,)."""
    return clock(rows["time_s"]).time_s


def row_segments(rows: npt.NDArray[np.void]) -> Numbers:
    """Number the segments of uninterrupted driving of a store's table, shape (rows,)."""
    return segments(row_times(rows))


def window_means(
    values: npt.NDArray[np.floating], time_s: Floats, segment: Numbers, window_s: float
) -> Floats:
    """Return the mean of the values within a window of time around each row, shape (rows,).

    Args:
        values: shape (rows,).
        time_s: shape (rows,), never falling.
        segment: shape (rows,), numbers of segments; no window reaches from one into another.
        window_s: length of the window, centred on the row.
    """
    half_s = window_s / 2 + ROUNDING_S
    first = np.searchsorted(segment, segment, side="left")
    end = np.searchsorted(segment, segment, side="right")
    starts = np.maximum(np.searchsorted(time_s, time_s - half_s, side="left"), first)
    ends = np.minimum(np.searchsorted(time_s, time_s + half_s, side="right"), end)
    sums = np.concatenate([[0.0], np.cumsum(values, dtype=np.float64)])
    return np.asarray((sums[ends] - sums[starts]) / (ends - starts))
