"""The report of an import: how many rows were used, and why the others were rejected."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from typing import Final

from contract.recordings.driving_log import Rejection

MAX_LISTED: Final = 100
"""Number of rejections that are listed one by one. All of them are counted."""
MAX_QUOTED_CHARS: Final = 200
"""Number of characters quoted from a bad line. A damaged log may have lines of megabytes."""


def build_report(
    accepted: int, rejections: Sequence[Rejection], notes: Sequence[str]
) -> dict[str, object]:
    """Return the report as a JSON document.

    Args:
        accepted: number of rows that were used.
        rejections: the rows that were rejected.
        notes: remarks on the recording as a whole.
    """
    ordered = sorted(rejections, key=lambda rejection: rejection.line)
    reasons = (f"{rejection.field}: {rejection.reason}" for rejection in ordered)
    return {
        "read": accepted + len(ordered),
        "accepted": accepted,
        "rejected": len(ordered),
        "reasons": dict(Counter(reasons).most_common()),
        "rejections": [
            asdict(rejection) | {"got": rejection.got[:MAX_QUOTED_CHARS]}
            for rejection in ordered[:MAX_LISTED]
        ],
        "notes": list(notes),
    }


def reject_share(document: dict[str, object]) -> float:
    """Return the share of rows that a report counts as rejected, 0..1."""
    rejected, read = document["rejected"], document["read"]
    assert isinstance(rejected, int)
    assert isinstance(read, int)
    return rejected / max(read, 1)
