"""Do the rows follow each other as the recorder wrote them, by the stamps of their file names?"""

from __future__ import annotations

from typing import Final

import numpy as np

from ingest.doctor.drive import Drive, line_numbers
from ingest.doctor.finding import SHOWN, Finding, spans

LEAST_S: Final = 0.5
PERIODS: Final = 5.0
"""A gap is longer than both. Of the four real recordings no row is later than 0.19 s."""


def examine(drive: Drive) -> list[Finding]:
    """Find where time is missing, and where it runs backwards.

    A row that repeats an earlier one goes back in time as well; that is what repeats.py names.
    """
    centers = [names[0] for names in drive.images]
    first = {name: row for row, name in reversed(list(enumerate(centers)))}
    rows = np.array([row for row, name in enumerate(centers) if first[name] == row])
    time_s = drive.time_s[rows]
    step = np.diff(time_s)
    limit = max(LEAST_S, PERIODS * drive.period_s)
    gaps, back = rows[1:][step > limit], rows[1:][step < 0]
    findings = []
    if len(gaps):
        missing = step[step > limit]
        lines = line_numbers(drive, gaps)
        findings.append(
            Finding(
                "time-gaps",
                drive.name,
                f"{len(gaps)} times no row was written for more than {limit:.1f} s, "
                f"{missing.sum():.1f} s in all and {missing.max():.1f} s at most: before lines "
                f"{spans(lines)}",
                "Fine where the recording was paused; else record to a faster disk. Train with "
                "--history 0, and --smooth-s 0 where rows are missing",
                {"gaps": len(gaps), "missing_s": round(float(missing.sum()), 3),
                 "longest_s": round(float(missing.max()), 3), "lines": lines[:SHOWN]},
            )
        )  # fmt: skip
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
