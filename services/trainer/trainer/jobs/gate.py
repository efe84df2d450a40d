"""Queues the gate: the evaluator's job that decides whether a new version may drive."""

from __future__ import annotations

from contract.jobs import queue
from contract.models.registry import Registry


def enqueue_gate(registry: Registry, version: int) -> str | None:
    """Queue the gate for a version and return the id of its job.

    It returns None if the version drives already, because no version drove before it. A job that
    runs again queues the gate only once.
    """
    if registry.current() == version:
        return None
    return queue.enqueue_follow_up(queue.GATE, str(version), {"version": version})
