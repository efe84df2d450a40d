"""A finding of the doctor: the name of a fault, the evidence for it, and its cure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

Runs = tuple[tuple[int, int], ...]
"""Runs of lines: each is the first line and the last."""
UNUSABLE: Final = ("duplicate-rows", "frozen-frames")
"""Findings whose lines must not be trained on: their steering belongs to another image, or they
count twice.

The lines of the other findings are not in a store at all (a missing image, a bad value), or are
sound, as the rows on both sides of a gap are."""
MAX_EXAMPLES: Final = 5
"""Number of examples in a finding: enough to look at, and few enough to read."""


@dataclass(frozen=True)
class Finding:
    """A fault of one recording, or of several recordings together."""

    name: str
    """Name of the fault, such as "steering-bias". docs/doctor.md lists them."""
    recording: str
    """Name of the recording. The names of several recordings are joined by " + "."""
    evidence: str
    """What was measured, as a sentence without a full stop."""
    cure: str
    """What to do about it, as a sentence without a full stop."""
    figures: dict[str, Any] = field(default_factory=dict)
    """The evidence for programs: numbers, lines of the log and file names."""
    line_runs: tuple[Runs, ...] = ()
    """All lines of the log that show the fault: runs of lines, for each recording in its order.

    It is empty where no single lines are at fault, as with a bias of the steering."""


def format_count(number: int, noun: str) -> str:
    """Return a number with its noun, such as "1 row" or "1,200 rows"."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def find_runs(lines: Iterable[int]) -> Runs:
    """Return the runs of successive numbers in a list of lines, in its order."""
    runs: list[list[int]] = []
    for line in lines:
        if runs and line == runs[-1][1] + 1:
            runs[-1][1] = line
        else:
            runs.append([line, line])
    return tuple((first, last) for first, last in runs)


def format_lines(lines: Sequence[int]) -> str:
    """Return numbers of lines as text, such as "line 8" or "lines 3-7, 12 and 40 more"."""
    runs = find_runs(lines)
    text = ", ".join(
        f"{first}" if first == last else f"{first}-{last}" for first, last in runs[:MAX_EXAMPLES]
    )
    rest = sum(last - first + 1 for first, last in runs[MAX_EXAMPLES:])
    noun = "line" if len(lines) == 1 else "lines"
    return f"{noun} {text} and {rest} more" if rest else f"{noun} {text}"


def format_counts(phrases: Sequence[str]) -> str:
    """Return how often each phrase occurs, such as "12 times not a number, once zero bytes"."""
    return ", ".join(
        f"{count} times {phrase}" if count > 1 else f"once {phrase}"
        for phrase, count in Counter(phrases).most_common()
    )
