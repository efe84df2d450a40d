"""What `lapwing dagger` has done so far: kept after every step, so that a kill loses none.

A file on the data volume, because a command in a container has no other place that lasts. It holds
what each step's job is called before the job is queued, and its result afterwards: who comes back
follows the job that still runs, and is given what has ended.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from redis import Redis
from rich.console import Console

from contract import atomic_files
from contract.errors import JobError
from contract.jobs import queue
from lapwing.jobs.follow import follow

LOST: Final = ("failed", "stopped", "canceled")
"""How a job has ended that is to be queued again."""


class Campaign:
    """The steps of one `lapwing dagger`.

    Args:
        path: of its file.
        document: `terms` (what was asked for), `done` and `steps`.
    """

    def __init__(self, path: Path, document: dict[str, Any]) -> None:
        self._path = path
        self._document = document

    @property
    def terms(self) -> dict[str, Any]:
        """What was asked for when it began."""
        terms: dict[str, Any] = self._document["terms"]
        return terms

    @property
    def ended(self) -> list[str]:
        """The names of the steps that have ended."""
        return [name for name, each in self._document["steps"].items() if "result" in each]

    def step(
        self,
        name: str,
        kind: str,
        arguments: Mapping[str, object],
        connection: Redis,
        console: Console,
        job: str | None = None,
    ) -> dict[str, Any]:
        """Return the result of a step: from the file, of the job that was begun, or of a new one.

        Args:
            name: of the step: its round and what is done, such as "r1-train".
            kind: of the job.
            arguments: of the job.
            connection: to Redis.
            console: is shown the job's progress.
            job: that somebody else has queued for it.

        Raises:
            JobError: the job failed, or was stopped or cancelled.
        """
        known = self._document["steps"].setdefault(name, {})
        if "result" in known:
            found: dict[str, Any] = known["result"]
            return found
        number, what = name.removeprefix("r").split("-")
        console.print(f"[bold]round {number}[/] {what}", highlight=False)
        begun = known.get("job") or self._queued(known, connection)
        again = begun is not None and _lost(begun, connection)
        if begun is None or again:
            begun = job if job and not again else self._queue(name, kind, arguments, connection)
        known["job"] = begun
        self._keep()
        known["result"] = follow(begun, connection, console)
        self._keep()
        return dict(known["result"])

    def _queue(
        self, name: str, kind: str, arguments: Mapping[str, object], connection: Redis
    ) -> str:
        """Queue the job of a step, after its label was kept."""
        label = f"dagger-{name}-{uuid.uuid4().hex[:6]}"
        self._document["steps"][name]["label"] = label
        self._keep()
        return queue.enqueue(kind, connection, label, arguments)

    def _queued(self, known: dict[str, Any], connection: Redis) -> str | None:
        """Return the job that was queued just before a kill, known by the label kept before it."""
        label = known.get("label")
        found = queue.views(connection) if label else []
        return next((each.id for each in found if f"-{label}-" in each.id), None)

    def end(self) -> None:
        """Let the next one begin anew."""
        self._document["done"] = True
        self._keep()

    def _keep(self) -> None:
        atomic_files.write_json(self._path, self._document)


def begin(path: Path, terms: dict[str, Any]) -> Campaign:
    """Return a campaign that has not done anything yet."""
    path.parent.mkdir(parents=True, exist_ok=True)
    return Campaign(path, {"terms": terms, "done": False, "steps": {}})


def unfinished(path: Path) -> Campaign | None:
    """Return the campaign that was interrupted, if one was.

    Raises:
        JobError: its file cannot be read.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        return None if document["done"] else Campaign(path, document)
    except FileNotFoundError:
        return None
    except (ValueError, TypeError, KeyError) as error:
        raise JobError(
            f"{path} cannot be read", got=error, remedy="lapwing dagger --anew begins another"
        ) from error


def _lost(job: str, connection: Redis) -> bool:
    """Tell whether nothing will come of a job any more."""
    try:
        return queue.view(job, connection).status in LOST
    except JobError:  # Redis has forgotten it
        return True
