"""A finding of the doctor: the name of a fault, the evidence for it, and its cure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

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


def format_count(number: int, noun: str) -> str:
    """Return a number with its noun, such as "1 row" or "1,200 rows"."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def format_lines(lines: Sequence[int]) -> str:
    """Return numbers of lines as text, such as "line 8" or "lines 3-7, 12 and 40 more"."""
    runs: list[list[int]] = []
    for line in lines:
        if runs and line == runs[-1][1] + 1:
            runs[-1][1] = line
        else:
            runs.append([line, line])
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
