"""Puts the rows of a driving log into the order in which they were driven.

A log is not always in that order: a table program sorted or shuffled it, somebody joined several
logs, or the clock of the machine was set back. The rows are divided into sessions. In a session,
the rows are in the order of their time stamps, and the clock never steps back.

- A folder of images is a session of its own, since each folder was recorded by itself.
- Long parts of a log that overlap in time are two drives if the speed would jump to and fro with
  their rows in one order; otherwise they are one drive that somebody sorted.
- Rows whose images have no time stamp stay in the order of the log. If other rows have stamps, a
  few of them alone cannot be put anywhere, and are rejected.
"""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Sequence
from typing import Final

from contract.recordings.driving_log import Log, Rejection, Row

__all__ = ["order_rows"]

MIN_RUN_ROWS: Final = 15
"""Smallest number of rows, one second, that count as driven in the order of the log.

A shuffled log has runs of two or three rows."""

Part = list[tuple[Row, float]]
"""Rows with their time stamps in seconds; NaN where there is none."""


def order_rows(log: Log) -> Log:
    """Return the log with its rows in order, each with the number of its session from 0.

    A line that repeats another one is left out: logs that were joined often have a common part.
    Rows without a time stamp that cannot be put in order are rejected. Notes say what was changed.
    A log that was in order is returned as it is.
    """
    rejections: list[Rejection] = []
    rows = _without_copies([(row, row.time_s) for row in log.rows])
    some_stamped = not all(math.isnan(time_s) for _, time_s in rows)
    sessions: list[Part] = []
    for part in _split_by_folder(rows):
        if not math.isnan(part[0][1]):
            sessions += _order_by_time(part)
        elif some_stamped and len(part) < MIN_RUN_ROWS:
            reason = "no time stamp, as other rows have"
            rejections += [Rejection(row.line, "images", reason, row.images[0]) for row, _ in part]
        else:
            sessions.append(part)
    sessions.sort(key=lambda session: min(row.line for row, _ in session))
    ordered = [
        dataclasses.replace(row, session=number) if number else row
        for number, session in enumerate(sessions)
        for row, _ in session
    ]
    notes = _notes(ordered, len(sessions), len(log.rows) - len(rows))
    return Log(ordered, [*log.rejections, *rejections], [*log.notes, *notes])


def _without_copies(rows: Part) -> Part:
    """Return the rows without stamped ones that have the images and values of an earlier row."""
    seen: set[tuple[object, ...]] = set()
    kept = []
    for row, time_s in rows:
        values = (row.images, row.steering, row.throttle, row.brake, row.speed_mph)
        if math.isnan(time_s) or values not in seen:
            kept.append((row, time_s))
        seen.add(values)
    return kept


def _split_by_folder(rows: Part) -> list[Part]:
    """Group the rows by their folder; rows without a stamp only with those right before them."""
    groups: dict[tuple[str, int], Part] = {}
    runs = itertools.groupby(rows, key=lambda item: (item[0].folder, math.isnan(item[1])))
    for number, ((folder, unstamped), run) in enumerate(runs):
        groups.setdefault((folder, number if unstamped else -1), []).extend(run)
    return list(groups.values())


def _order_by_time(part: Part) -> list[Part]:
    """Return the sessions of the stamped rows of one folder."""
    steps = enumerate(itertools.pairwise(part), 1)
    steps_back = [row for row, ((_, before_s), (_, time_s)) in steps if time_s < before_s]
    if not steps_back:
        return [part]
    bounds = itertools.pairwise([0, *steps_back, len(part)])
    runs = [part[start:end] for start, end in bounds]
    in_order = sorted(part, key=lambda item: (item[1], item[0].line))
    if len(part) < MIN_RUN_ROWS * len(runs):
        return [in_order]
    if sum(map(_speed_variation, runs)) < _speed_variation(in_order) / 2:
        return runs
    return [in_order]


def _speed_variation(part: Sequence[tuple[Row, float]]) -> float:
    """Return the sum of all changes of the speed from row to row, in mph."""
    return sum(
        abs(later.speed_mph - earlier.speed_mph)
        for (earlier, _), (later, _) in itertools.pairwise(part)
    )


def _notes(ordered: Sequence[Row], sessions: int, copies: int) -> list[str]:
    """Return notes on the order of the log, its sessions and its repeated lines."""
    notes = []
    if any(later.line < earlier.line for earlier, later in itertools.pairwise(ordered)):
        notes.append("lines out of order: the rows were put in the order of their time stamps")
    if sessions > 1:
        notes.append(f"{sessions} sessions in one log: no label is averaged across their borders")
    if copies:
        notes.append(f"lines that repeat another line: {copies}; each row counts once")
    return notes
