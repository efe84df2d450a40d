"""The report of an import: how many rows were used, and why the others were rejected."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from typing import Final

from contract.recordings.driving_log import Rejection

MAX_LISTED: Final = 100
"""Number of rejections that are listed one by one: the first ones, and one of each reason. All of
them are counted."""
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
    reasons = [f"{rejection.field}: {rejection.reason}" for rejection in ordered]
    listed = [ordered[position] for position in _listed(reasons)]
    return {
        "read": accepted + len(ordered),
        "accepted": accepted,
        "rejected": len(ordered),
        "reasons": dict(Counter(reasons).most_common()),
        "rejections": [
            asdict(rejection) | {"got": rejection.got[:MAX_QUOTED_CHARS]} for rejection in listed
        ],
        "notes": list(notes),
    }


def _listed(reasons: Sequence[str]) -> list[int]:
    """Return the positions of the rejections that are listed."""
    firsts = {reason: position for position, reason in reversed(list(enumerate(reasons)))}
    first_of_each = set(sorted(firsts.values())[:MAX_LISTED])
    others = [position for position in range(len(reasons)) if position not in first_of_each]
    return sorted([*first_of_each, *others[: MAX_LISTED - len(first_of_each)]])


def reject_share(document: dict[str, object]) -> float:
    """Return the share of rows that a report counts as rejected, 0..1."""
    rejected, read = document["rejected"], document["read"]
    assert isinstance(rejected, int)
    assert isinstance(read, int)
    return rejected / max(read, 1)
