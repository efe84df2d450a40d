"""Asks a worker for one job: queues it and follows it to its result, or says how to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from contract.jobs import queue
from lapwing.jobs.follow import follow, waits
from lapwing.output import tables
from lapwing.settings import read_settings


def ask(
    kind: str, label: str, arguments: Mapping[str, Any], wait: bool | None, as_json: bool
) -> dict[str, Any] | None:
    """Queue a job of a kind; return its result, or None where nobody waits for it.

    Raises:
        JobError: Redis does not answer, or the job failed.
    """
    connection = read_settings().connect()
    queued = queue.enqueue(kind, connection, label, arguments)
    if waits(wait):
        return follow(queued, connection, tables.console(as_json))
    tables.queued([queue.view(queued, connection)], as_json)
    return None
