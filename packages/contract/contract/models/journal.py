"""The journal of the registry: who became current, when and why, and who did not.

<models>/journal.json    a list of decisions, the latest last; replaced in one step
"""

from __future__ import annotations

import dataclasses
import json
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from contract import atomic_files
from contract.errors import ModelError

__all__ = [
    "FIRST",
    "FORCED",
    "GATE",
    "JOURNAL",
    "ROLLBACK",
    "Decision",
    "append",
    "decide",
    "read",
    "rollback_target",
]

JOURNAL: Final = "journal.json"

FIRST: Final = "first"
"""Nothing drove before it."""
GATE: Final = "gate"
"""It was driven beside the version that was current."""
FORCED: Final = "forced"
"""Somebody wanted it, whatever the gate says."""
ROLLBACK: Final = "rollback"
"""Somebody went back to the one before."""


@dataclass(frozen=True)
class Decision:
    """Whether a version became the current one."""

    version: int
    accepted: bool
    by: str
    """FIRST, GATE, FORCED or ROLLBACK."""
    why: str
    at: str
    """ISO 8601, UTC."""
    previous: int | None
    """Which version was current then."""
    evidence: dict[str, Any]
    """What the gate found; empty with all others."""
    id: str
    """Of the job that decided, or a random one; a decision is written down once."""


def decide(
    version: int,
    by: str,
    why: str,
    previous: int | None,
    *,
    accepted: bool = True,
    evidence: dict[str, Any] | None = None,
    decision_id: str | None = None,
) -> Decision:
    """Return a decision of this moment."""
    now = datetime.now(UTC).isoformat(timespec="seconds")
    return Decision(
        version, accepted, by, why, now, previous, evidence or {}, decision_id or uuid.uuid4().hex
    )


def read(root: Path) -> list[Decision]:
    """Return all decisions about the registry at `root`, the earliest first.

    Raises:
        ModelError: the journal cannot be read.
    """
    path = root / JOURNAL
    try:
        return [Decision(**each) for each in json.loads(path.read_text(encoding="utf-8"))]
    except FileNotFoundError:
        return []
    except (ValueError, TypeError) as error:
        raise ModelError(
            f"the journal {path} cannot be read",
            got=error,
            remedy="Put it aside: versions and `current` do not depend on it",
        ) from error


def append(root: Path, decision: Decision) -> None:
    """Write a decision down, unless it was already; the caller holds the registry's lock."""
    known = read(root)
    if all(each.id != decision.id for each in known):
        atomic_files.write_json(root / JOURNAL, [dataclasses.asdict(d) for d in (*known, decision)])


def rollback_target(decisions: Sequence[Decision]) -> int | None:
    """Return the version that a rollback goes back to, or None: each one goes back further."""
    drove: list[int] = []
    for each in decisions:
        if not each.accepted:
            continue
        if each.by == ROLLBACK and drove:
            drove.pop()
        elif not drove or drove[-1] != each.version:
            drove.append(each.version)
    return drove[-2] if len(drove) > 1 else None
