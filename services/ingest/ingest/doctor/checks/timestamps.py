"""Checks, by the time stamps of the file names, that the rows follow each other without a gap.

A recorder that was paused leaves a gap, and so does one that lost rows. Where rows were lost, the
car drove on meanwhile and sees another place. Where the recorder was paused and the car was put
elsewhere, as for a recovery, the view after the gap is that from before, moved or turned.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ingest.doctor.finding import MAX_EXAMPLES, Finding, find_runs, format_count, format_lines
from ingest.doctor.recording_arrays import Flags, Floats, RecordingArrays, log_lines

MIN_GAP_S: Final = 0.5
MIN_GAP_PERIODS: Final = 5.0
"""A gap is longer than both limits. In the four real recordings no row is later than 0.19 s."""
MIN_DISTANCE_M: Final = 12.0
"""A car that drove on for this distance sees another place."""
SAME_PLACE_PEAK: Final = 0.6
"""Smallest peak of the correlation of two horizons that proves the same place.

Pauses of simulated recoveries have a median of 0.5 to 0.7. Of 1,340 pairs of rows that are at least
MIN_DISTANCE_M apart, in real and simulated recordings, 4 reach it."""
LIKELY_PEAK: Final = 0.5
"""Smallest peak that makes the same place likely."""
LIKELY_SHARE: Final = 1 / 3
"""If one gap proves a pause, and this share of the gaps of its length are likely pauses, all of
them count as pauses. A car that was put to the other edge of the road sees too little of what it
saw before."""
LENGTH_TOLERANCE: Final = 0.1
"""Relative difference up to which two gaps have the same length."""


@dataclass(frozen=True)
class _Gaps:
    """The G places where time is missing."""

    rows: NDArray[np.int64]
    """(G,): the first row after each gap."""
    length_s: Floats
    """(G,): the length of each gap."""
    paused: Flags
    """(G,): tells whether the recorder was paused, by what the images show."""


def check(recording: RecordingArrays) -> list[Finding]:
    """Find where rows are missing, and where time runs backwards.

    A row that repeats an earlier one also goes back in time. duplicates.py reports these rows.
    """
    rows = _first_mentions(recording)
    older = rows[1:][np.diff(recording.time_s[rows]) < 0]
    gaps = _find_gaps(recording, rows)
    lost = ~gaps.paused
    findings = []
    if lost.any():
        missing_s = gaps.length_s[lost]
        lines = log_lines(recording, gaps.rows[lost])
        findings.append(
            Finding(
                "time-gaps",
                recording.name,
                f"{format_count(len(lines), 'time')}, no row was written for more than "
                f"{_limit_s(recording):.1f} s ({missing_s.sum():.1f} s in all, "
                f"{missing_s.max():.1f} s at most): before {format_lines(lines)}",
                "If the recording was paused there, do nothing; otherwise record to a faster disk. "
                "Train with --history 0, and with --label-smoothing-s 0 if rows are missing",
                {
                    "gaps": len(lines),
                    "missing_s": round(float(missing_s.sum()), 3),
                    "longest_s": round(float(missing_s.max()), 3),
                    "lines": lines[:MAX_EXAMPLES],
                },
                (find_runs(lines),),
            )
        )
    if len(older):
        lines = log_lines(recording, older)
        findings.append(
            Finding(
                "time-disorder",
                recording.name,
                f"{format_count(len(older), 'time')}, a row is older than the row above it: "
                f"{format_lines(lines)}",
                "Nothing, if you import it: ingest puts the rows in the order of their time "
                "stamps, and keeps joined recordings apart. For other programs, sort the lines of "
                "driving_log.csv",
                {"rows": len(older), "lines": lines[:MAX_EXAMPLES]},
                (find_runs(lines),),
            )
        )
    return findings


def count_pauses(recording: RecordingArrays) -> int:
    """Return how often the recorder was paused, by what the images show. A pause is no fault."""
    return int(_find_gaps(recording, _first_mentions(recording)).paused.sum())


def _first_mentions(recording: RecordingArrays) -> NDArray[np.int64]:
    """Return the rows whose centre image is not listed by an earlier row."""
    names = [row[0] for row in recording.images]
    first_rows = {name: row for row, name in reversed(list(enumerate(names)))}
    return np.array([row for row, name in enumerate(names) if first_rows[name] == row])


def _limit_s(recording: RecordingArrays) -> float:
    return max(MIN_GAP_S, MIN_GAP_PERIODS * recording.period_s)


def _find_gaps(recording: RecordingArrays, rows: NDArray[np.int64]) -> _Gaps:
    """Find the gaps between some rows, and tell which of them are pauses."""
    step_s = np.diff(recording.time_s[rows])
    is_gap = step_s > _limit_s(recording)
    before, after, length_s = rows[:-1][is_gap], rows[1:][is_gap], step_s[is_gap]
    distance_m = length_s * (recording.speed_mps[before] + recording.speed_mps[after]) / 2
    # Each image was compared with that of the row before it in the log, and with no other.
    comparable = (after == before + 1) & (distance_m >= MIN_DISTANCE_M)
    peak = recording.features.alike[after, 0]
    same_place = comparable & (peak >= SAME_PLACE_PEAK)
    likely = comparable & (peak >= LIKELY_PEAK)
    paused = same_place.copy()
    for pause_s in length_s[same_place]:
        of_this_length = np.abs(length_s - pause_s) <= LENGTH_TOLERANCE * pause_s
        if likely[of_this_length].sum() >= LIKELY_SHARE * of_this_length.sum():
            paused |= of_this_length
    return _Gaps(after, length_s, paused)
