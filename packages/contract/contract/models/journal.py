"""Keeps the journal of the registry: which versions became the current one, when and why.

<models>/journal.json    a list of decisions, oldest first; the file is replaced in one step
"""

from __future__ import annotations

import dataclasses
import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from contract.errors import ModelError
from contract.files import atomic_files

__all__ = [
    "FIRST",
    "FORCED",
    "GATE",
    "JOURNAL",
    "ROLLBACK",
    "Decision",
    "append",
    "chain",
    "decide",
    "parse",
    "read",
    "rollback_target",
    "write",
]

JOURNAL: Final = "journal.json"

FIRST: Final = "first"
"""The version was accepted because there was no current version."""
GATE: Final = "gate"
"""The gate compared the version with the current one."""
FORCED: Final = "forced"
"""A user promoted the version without the gate."""
ROLLBACK: Final = "rollback"
"""A user went back to an earlier version."""


@dataclass(frozen=True)
class Decision:
    """Says whether a version became the current one, and why."""

    version: int
    accepted: bool
    by: str
    """Reason for the decision: FIRST, GATE, FORCED or ROLLBACK."""
    why: str
    """Explanation for people."""
    at: str
    """Time in UTC, in the format ISO 8601."""
    previous: int | None
    """The version that was the current one before; None if there was none."""
    evidence: dict[str, Any]
    """Figures of the gate; empty for other decisions."""
    id: str
    """Id of the job that decided, or a random id; the journal has each id only once."""


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
    """Return a decision with the present time.

    Args:
        version: the version that is decided on.
        by: reason for the decision: FIRST, GATE, FORCED or ROLLBACK.
        why: explanation for people.
        previous: the current version before the decision.
        accepted: whether the version becomes the current one.
        evidence: figures of the gate.
        decision_id: id of the job that decided; None makes a random id.
    """
    now = datetime.now(UTC).isoformat(timespec="seconds")
    return Decision(
        version, accepted, by, why, now, previous, evidence or {}, decision_id or uuid.uuid4().hex
    )


def read(root: Path) -> list[Decision]:
    """Return all decisions in the journal of the registry at `root`, oldest first.

    Raises:
        ModelError: the journal cannot be read.
    """
    path = root / JOURNAL
    try:
        return [Decision(**entry) for entry in json.loads(path.read_text(encoding="utf-8"))]
    except FileNotFoundError:
        return []
    except (OSError, ValueError, TypeError, RecursionError) as error:
        raise ModelError(
            f"the journal {path} cannot be read",
            got=error,
            remedy="Move the file away: versions and `current` do not depend on it",
        ) from error


def parse(document: Mapping[str, Any]) -> Decision:
    """Return a decision of the object store.

    Raises:
        ModelError: the document is none.
    """
    try:
        return Decision(**document)
    except TypeError as error:
        raise ModelError(
            "a decision in LAPWING_STORAGE cannot be read",
            got=error,
            remedy="Every machine must run the same release of Lapwing",
        ) from error


def append(root: Path, decision: Decision) -> None:
    """Add a decision to the journal, unless it is there already.

    The caller must hold the lock of the registry.
    """
    decisions = read(root)
    if all(earlier.id != decision.id for earlier in decisions):
        write(root, [*decisions, decision])


def write(root: Path, decisions: Sequence[Decision]) -> None:
    """Replace the journal; the caller must hold the lock of the registry."""
    entries = [dataclasses.asdict(entry) for entry in decisions]
    atomic_files.write_json(root / JOURNAL, entries)


def chain(decisions: Sequence[Decision]) -> list[int]:
    """Return the versions that a rollback can go back to, oldest first, and the current one last.

    A version that a rollback left is not among them.
    """
    versions: list[int] = []
    for decision in decisions:
        if not decision.accepted:
            continue
        if decision.by == ROLLBACK and versions:
            versions.pop()
        elif not versions or versions[-1] != decision.version:
            versions.append(decision.version)
    return versions


def rollback_target(decisions: Sequence[Decision]) -> int | None:
    """Return the version that a rollback goes back to, or None if there is none.

    A second rollback goes back further, and not forward to the version before the first rollback.
    """
    versions = chain(decisions)
    return versions[-2] if len(versions) > 1 else None
