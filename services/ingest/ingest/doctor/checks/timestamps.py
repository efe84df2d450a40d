"""Do the rows follow each other as the recorder wrote them, by the stamps of their file names?

A recorder that was paused and one that lost rows both leave a gap. Where rows were lost the car
drove on meanwhile, and sees another place. Where the recorder stood still and the car was put
elsewhere, as for a recovery, the view after the gap is that of before, moved or turned.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ingest.doctor.finding import SHOWN, Finding, spans
from ingest.doctor.recording_arrays import Drive, Flags, Floats, line_numbers

LEAST_S: Final = 0.5
PERIODS: Final = 5.0
"""A gap is longer than both. Of the four real recordings no row is later than 0.19 s."""
WAY_M: Final = 12.0
"""Who drove on for so far sees another place."""
SAME: Final = 0.6
"""Least peak of the correlation of two horizons that is surely one place. Pauses of simulated
recoveries have 0.5 to 0.7 in the median; between rows WAY_M and more apart, of real and simulated
recordings, 4 in 1,340 have as much."""
LIKELY: Final = 0.5
SHARE: Final = 1 / 3
"""If one gap surely shows it and so many of its length are likely to, all of them are taken for
pauses: put to the other edge of the road, the car sees too little of what it saw."""
ABOUT: Final = 0.1
"""By how much, as a share, lengths may differ that count as one."""


@dataclass(frozen=True)
class _Gaps:
    """Where time is missing; G times."""

    after: NDArray[np.int64]
    """(G,): the rows that come next."""
    step_s: Floats
    """(G,)"""
    paused: Flags
    """(G,): whether the recorder was paused, by what is seen."""


def examine(drive: Drive) -> list[Finding]:
    """Find where rows are missing, and where time runs backwards.

    A row that repeats an earlier one goes back in time as well; that is what repeats.py names.
    """
    rows = _first_told(drive)
    back = rows[1:][np.diff(drive.time_s[rows]) < 0]
    gaps = _gaps(drive, rows)
    lost = ~gaps.paused
    findings = []
    if lost.any():
        missing = gaps.step_s[lost]
        lines = line_numbers(drive, gaps.after[lost])
        findings.append(
            Finding(
                "time-gaps",
                drive.name,
                f"{len(lines)} times no row was written for more than {_limit_s(drive):.1f} s, "
                f"{missing.sum():.1f} s in all and {missing.max():.1f} s at most: before lines "
                f"{spans(lines)}",
                "Fine where the recording was paused; else record to a faster disk. Train with "
                "--history 0, and --smooth-s 0 where rows are missing",
                {
                    "gaps": len(lines),
                    "missing_s": round(float(missing.sum()), 3),
                    "longest_s": round(float(missing.max()), 3),
                    "lines": lines[:SHOWN],
                },
            )
        )
    if len(back):
        lines = line_numbers(drive, back)
        findings.append(
            Finding(
                "time-disorder",
                drive.name,
                f"{len(back)} times a row is older than the one above it: lines {spans(lines)}",
                "Sort the lines of driving_log.csv by the stamps of their file names, or part them "
                "where one recording was appended to another",
                {"rows": len(back), "lines": lines[:SHOWN]},
            )
        )
    return findings


def pauses(drive: Drive) -> int:
    """Count how often the recorder was paused, by what is seen: no fault."""
    return int(_gaps(drive, _first_told(drive)).paused.sum())


def _first_told(drive: Drive) -> NDArray[np.int64]:
    """Return the rows whose picture no row before lists."""
    centers = [names[0] for names in drive.images]
    first = {name: row for row, name in reversed(list(enumerate(centers)))}
    return np.array([row for row, name in enumerate(centers) if first[name] == row])


def _limit_s(drive: Drive) -> float:
    return max(LEAST_S, PERIODS * drive.period_s)


def _gaps(drive: Drive, rows: NDArray[np.int64]) -> _Gaps:
    step_s = np.diff(drive.time_s[rows])
    gap = step_s > _limit_s(drive)
    before, after, step_s = rows[:-1][gap], rows[1:][gap], step_s[gap]
    way_m = step_s * (drive.speed_mps[before] + drive.speed_mps[after]) / 2
    # Each view was compared with that of the row before in the log.
    compared = (after == before + 1) & (way_m >= WAY_M)
    same = compared & (drive.pictures.alike[after, 0] >= SAME)
    likely = compared & (drive.pictures.alike[after, 0] >= LIKELY)
    paused = same.copy()
    for length_s in step_s[same]:
        about = np.abs(step_s - length_s) <= ABOUT * length_s
        if likely[about].sum() >= SHARE * about.sum():
            paused |= about
    return _Gaps(after, step_s, paused)
