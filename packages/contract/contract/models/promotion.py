"""Changes the current version, and writes each change into the journal."""

from __future__ import annotations

from typing import Any

from contract.errors import ModelError
from contract.models import journal
from contract.models.journal import Decision
from contract.models.registry import ModelManifest, Registry

__all__ = ["decide", "force", "rollback"]


def force(registry: Registry, version: int, why: str) -> ModelManifest:
    """Make a version the current one without the gate, after verifying its files.

    Args:
        registry: the model registry.
        version: the version to promote.
        why: explanation for the journal.

    Raises:
        ModelError: there is no such version, it is damaged, or another machine has decided.
    """
    with registry.current_version.lock():
        manifest = registry.verify(version)
        _carry_out(registry, journal.decide(version, journal.FORCED, why, _current(registry)))
        return manifest


def rollback(registry: Registry) -> ModelManifest:
    """Make the previous version the current one again; each further call goes back further.

    Raises:
        ModelError: there is no previous version, it is damaged, or another machine has decided.
    """
    with registry.current_version.lock():
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
    """Write the gate's decision on a candidate into the journal, and promote an accepted one.

    Args:
        registry: the registry of both versions.
        version: the candidate.
        against: the version that it was compared with; None if there was no current version.
        job_id: id of the gate's job; a job that is run again decides only once.
        why: explanation for people.
        evidence: figures of the comparison.
        accepted: whether the candidate becomes the current version.

    Returns:
        The decision, or None if `against` is not the current version any more. Then the candidate
        must be compared with the new current version.

    Raises:
        ModelError: the candidate is damaged.
    """
    with registry.current_version.lock():
        for earlier in registry.decisions():
            if earlier.id == job_id:
                return earlier
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
            registry.current_version.record_intent(decision)
            return decision if registry.current_version.carry_out(decision) else None
        if not registry.current_version.announce(decision):
            return None
        journal.append(registry.root, decision)
        return decision


def _carry_out(registry: Registry, decision: Decision) -> None:
    """Carry a person's decision out.

    Raises:
        ModelError: another machine has decided at the same time.
    """
    registry.current_version.record_intent(decision)
    if not registry.current_version.carry_out(decision):
        raise ModelError(
            f"version {decision.version} did not become the current one: another machine has "
            "decided on the current version at the same time",
            remedy="`lapwing models` shows what it decided; then run the command again if you "
            "still want to",
        )


def _current(registry: Registry) -> int | None:
    """Return the current version, or None if there is none or if the link to it is broken.

    The promotion that follows replaces a broken link.
    """
    try:
        return registry.current()
    except ModelError:
        return None
