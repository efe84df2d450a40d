"""What an import tells of its rows: how many were used, and why the others were not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from typing import Final

from contract.recordings.driving_log import Rejection

IN_FULL: Final = 100
"""Rejections that are listed one by one; all of them are counted."""
GOT: Final = 200
"""Characters quoted of what was found; a damaged log may have lines of megabytes."""


def report(
    accepted: int, rejections: Sequence[Rejection], notes: Sequence[str]
) -> dict[str, object]:
    """Return the report as a JSON document."""
    ordered = sorted(rejections, key=lambda each: each.line)
    return {
        "read": accepted + len(ordered),
        "accepted": accepted,
        "rejected": len(ordered),
        "reasons": dict(Counter(f"{each.field}: {each.reason}" for each in ordered).most_common()),
        "rejections": [asdict(each) | {"got": each.got[:GOT]} for each in ordered[:IN_FULL]],
        "notes": list(notes),
    }


def share(document: dict[str, object]) -> float:
    """Return the share of rows that were rejected, 0..1."""
    rejected, read = document["rejected"], document["read"]
    assert isinstance(rejected, int)
    assert isinstance(read, int)
    return rejected / max(read, 1)
