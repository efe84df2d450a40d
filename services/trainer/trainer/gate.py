"""What a published version waits for: the evaluator's gate."""

from __future__ import annotations

from contract.jobs import queue
from contract.models.registry import Registry


def ask(registry: Registry, version: int) -> str | None:
    """Queue the job that decides whether a version may drive, and return its id.

    None where it drives already: nothing drove before it. A job that is run again asks once.
    """
    if registry.current() == version:
        return None
    return queue.enqueue_follow_up(queue.GATE, str(version), {"version": version})
