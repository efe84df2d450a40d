"""What is drawn of a dataset: its rows in order of time, and which of them are marked."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from contract.dataset.exclusions import Exclusions
from contract.dataset.overviews import DatasetOverview
from contract.dataset.store import StoreReader

Floats = npt.NDArray[np.float64]
Numbers = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Mark:
    """A finding, and the rows that show it."""

    name: str
    evidence: str
    rows: Mask
    """Shape (rows,); it is false everywhere if the finding is about the whole dataset."""


@dataclass(frozen=True, eq=False)
class Drive:
    """The rows of a dataset, as they are drawn."""

    title: str
    facts: str
    """A line of text with the figures of the dataset."""
    line: Numbers
    """Line of the driving log, shape (rows,)."""
    time_s: Floats
    """Driven time without pauses, shape (rows,), from 0 and never decreasing."""
    segment: Numbers
    """Number of the segment of uninterrupted driving, shape (rows,)."""
    steering: Floats
    """Steering, -1..1, shape (rows,)."""
    excluded: Mask
    """True for rows that are excluded from use, shape (rows,)."""
    marks: Sequence[Mark]


def read_drive(
    name: str,
    reader: StoreReader,
    step_s: Floats,
    overview: DatasetOverview,
    exclusions: Exclusions,
) -> Drive:
    """Return what is drawn of a dataset.

    Args:
        name: name of the dataset for people.
        reader: the opened store.
        step_s: driven time from the row before, shape (rows,).
        overview: its figures and findings.
        exclusions: the rows that are excluded.
    """
    line = reader.rows["line"].astype(np.int64)
    excluded = exclusions.mask(line)
    return Drive(
        title=name if name == overview.dataset else f"{name}  ({overview.dataset})",
        facts=_facts(overview, int(excluded.sum())),
        line=line,
        time_s=np.asarray(np.cumsum(step_s), dtype=np.float64),
        segment=reader.timeline.segment,
        steering=reader.rows["steering"].astype(np.float64),
        excluded=excluded,
        marks=[_mark(finding, line) for finding in overview.findings],
    )


def _facts(overview: DatasetOverview, excluded: int) -> str:
    texts = [
        f"{overview.rows:,} rows in {overview.minutes:.1f} min",
        f"{overview.laps:.1f} laps",
        f"steering {overview.steering_mean:+.3f}, spread {overview.steering_std:.3f}, "
        f"exactly 0 in {overview.steering_zero_share:.0%}",
        f"mean speed {overview.speed_mph:.0f} mph",
    ]
    return "  ·  ".join([*texts, f"{excluded:,} rows excluded"] if excluded else texts)


def _mark(finding: dict[str, Any], line: Numbers) -> Mark:
    runs = finding["line_runs"][0] if finding["line_runs"] else []
    return Mark(str(finding["name"]), str(finding["evidence"]), lines_mask(line, runs))


def lines_mask(line: Numbers, runs: Iterable[Sequence[int]]) -> Mask:
    """Return which rows stand in some runs of lines, each the first and the last, shape (rows,)."""
    mask = np.zeros(len(line), dtype=np.bool_)
    for first, last in runs:
        mask |= (line >= first) & (line <= last)
    return mask


def format_time(time_s: float) -> str:
    """Return a time as minutes and seconds, such as "1:05"."""
    minutes, seconds = divmod(int(time_s), 60)
    return f"{minutes}:{seconds:02d}"
