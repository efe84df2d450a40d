"""Which version drives: the ways to change it, each written down in the journal."""

from __future__ import annotations

from typing import Any

from contract.errors import ModelError
from contract.models import journal
from contract.models.journal import Decision
from contract.models.registry import ModelManifest, Registry

__all__ = ["decide", "force", "rollback"]


def force(registry: Registry, version: int, why: str) -> ModelManifest:
    """Make a version the current one, after verifying it, whatever the gate says of it.

    Raises:
        ModelError: there is no such version, or it is damaged.
    """
    with registry.switch.lock():
        manifest = registry.verify(version)
        _carry_out(registry, journal.decide(version, journal.FORCED, why, _current(registry)))
        return manifest


def rollback(registry: Registry) -> ModelManifest:
    """Make the version current that was before the current one; each call goes back further.

    Raises:
        ModelError: none was, or it is damaged.
    """
    with registry.switch.lock():
        version, current = journal.rollback_target(registry.decisions()), _current(registry)
        if version is None:
            raise ModelError(
                "no version drove before the current one",
                got=current,
                remedy=f"There are {registry.versions()}: lapwing promote N --force",
            )
        manifest = registry.verify(version)
        why = f"back from version {current}"
        _carry_out(registry, journal.decide(version, journal.ROLLBACK, why, current))
        return manifest


def decide(
    registry: Registry,
    version: int,
    against: int | None,
    job_id: str,
    why: str,
    evidence: dict[str, Any],
    *,
    accepted: bool,
) -> Decision | None:
    """Write down what the gate found of a candidate, and make it current if it passed.

    Args:
        registry: of both.
        version: the candidate.
        against: the version that it was compared with, or None where nothing drove.
        job_id: of the gate; a job that is run again decides once.
        why: in words.
        evidence: in figures.
        accepted: whether it may drive.

    Returns:
        The decision, or None where `against` is not current any more: compare anew.

    Raises:
        ModelError: the candidate is damaged.
    """
    with registry.switch.lock():
        for each in registry.decisions():
            if each.id == job_id:
                return each
        if registry.current() != against:
            return None
        registry.verify(version)
        by = journal.FIRST if against is None else journal.GATE
        decision = journal.decide(
            version,
            by,
            why,
            against,
            accepted=accepted,
            evidence=evidence,
            decision_id=job_id,
        )
        if accepted:
            _carry_out(registry, decision)
        else:
            journal.append(registry.root, decision)
        return decision


def _carry_out(registry: Registry, decision: Decision) -> None:
    registry.switch.record_intent(decision)
    registry.switch.carry_out(decision)


def _current(registry: Registry) -> int | None:
    """Return the current version; None also where the link is broken, and is made anew."""
    try:
        return registry.current()
    except ModelError:
        return None
