"""Computes the time of a recording's rows, and their segments of uninterrupted driving.

A recording consists of sessions: parts that were driven one after the other, each with a clock of
its own (recordings/row_order.py finds them at import). Most recordings have one session. A session
whose file names have no time stamps gets the nominal clock: its rows are ROW_S apart.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from contract.vehicle import ROW_S

__all__ = [
    "MAX_PAUSE_S",
    "SESSION_BREAK_S",
    "WINDOW_TOLERANCE_S",
    "Timeline",
    "build",
    "segments",
    "window_means",
]

MAX_PAUSE_S: Final = 0.5
"""Longest pause between two rows of one segment, in seconds."""
SESSION_BREAK_S: Final = 120.0
"""Time in seconds that is put between two sessions whose true distance in time is not known.

It is larger than every gap between training and validation rows (train_config.py allows 60 s)."""
WINDOW_TOLERANCE_S: Final = 1e-4
"""Tolerance at both ends of a window, in seconds.

It is less than the millisecond of a recorder's time stamps, and more than the rounding error of
sums of them."""

Floats = npt.NDArray[np.float64]
Numbers = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]


class Timeline(NamedTuple):
    """Holds the time of each row of a recording, and the segment that it belongs to."""

    time_s: Floats
    """Time in seconds, shape (rows,), never decreasing.

    Within a session, differences are true. A session that would begin before the end of the one
    before it is moved behind that end."""
    segment: Numbers
    """Number of the segment of uninterrupted driving, shape (rows,), from 0."""
    nominal: Mask
    """True for rows without a time stamp, which count as ROW_S apart; shape (rows,)."""


def build(stamps_s: npt.ArrayLike, session: npt.ArrayLike | None = None) -> Timeline:
    """Return the timeline of a recording's rows, in the order in which they are stored.

    A session also ends where the stamps step back, and between a row with a stamp and one without.
    So a store whose rows are out of order has many short segments, but no wrong neighbours.

    Args:
        stamps_s: time in seconds in each row's file name, shape (rows,); NaN where a name has none.
        session: number of each row's session, shape (rows,); by default, there is one session.
    """
    stamps = np.asarray(stamps_s, dtype=np.float64)
    known = np.isfinite(stamps)
    begins = np.zeros(len(stamps), dtype=np.bool_)
    begins[:1] = True
    begins[1:] = (known[1:] != known[:-1]) | (np.diff(stamps) < 0)
    if session is not None:
        begins[1:] |= np.diff(np.asarray(session)) != 0
    starts = np.flatnonzero(begins)
    time_s = np.where(known, stamps, 0.0)
    end_s = -np.inf
    for start, end in zip(starts.tolist(), [*starts[1:].tolist(), len(stamps)], strict=True):
        own_s = time_s[start:end]
        if not known[start]:
            own_s[:] = np.arange(end - start) * ROW_S
        if own_s[0] < end_s or (not known[start] and np.isfinite(end_s)):
            own_s += end_s + SESSION_BREAK_S - own_s[0]
        end_s = own_s[-1]
    return Timeline(time_s, segments(time_s, begins[1:]), ~known)


def segments(time_s: Floats, interrupted: Mask | None = None) -> Numbers:
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
