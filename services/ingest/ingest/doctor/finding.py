"""What an examination says: the name of a fault, the evidence for it, and its cure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

SHOWN: Final = 5
"""Examples that a finding carries: enough to look at, few enough to read."""


@dataclass(frozen=True)
class Finding:
    """One fault of one recording, or of several together."""

    name: str
    """Such as "steering-bias"; docs/doctor.md lists them."""
    recording: str
    """Its name; several are joined by " + "."""
    evidence: str
    """What was found, as a clause with its figures."""
    cure: str
    """What to do about it, as a sentence without a full stop."""
    figures: dict[str, Any] = field(default_factory=dict)
    """The evidence for programs: numbers, lines of the log, file names."""


def spans(lines: Sequence[int]) -> str:
    """Return lines as people write them: "3-7, 12 and 40 more"."""
    runs: list[list[int]] = []
    for line in lines:
        if runs and line == runs[-1][1] + 1:
            runs[-1][1] = line
        else:
            runs.append([line, line])
    text = ", ".join(f"{a}" if a == b else f"{a}-{b}" for a, b in runs[:SHOWN])
    left = sum(b - a + 1 for a, b in runs[SHOWN:])
    return f"{text} and {left} more" if left else text


def counted(words: Sequence[str]) -> str:
    """Return words with how often each occurs: "12 times not a number, once zero bytes"."""
    return ", ".join(
        f"{count} times {word}" if count > 1 else f"once {word}"
        for word, count in Counter(words).most_common()
    )
