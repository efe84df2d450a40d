"""Keeps the state of a DAgger run in a file after every step, so that it survives a kill.

The file lies on the data volume, because a command in a container has no other place that lasts. It
holds the label of each step's job, written before the job is queued, and the job's result, written
when the job has ended. A command that is started again waits for the job that still runs, and reads
the results of those that have ended.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from redis import Redis

from contract import printing
from contract.errors import JobError
from contract.files import atomic_files
from contract.jobs import queue
from contract.printing import TextConsole
from lapwing.jobs.follow import follow

LOST: Final = ("failed", "stopped", "canceled")
"""Final states of a job that has to be queued again."""


class DaggerRun:
    """The steps of one `lapwing dagger`.

    Args:
        path: path of the file.
        document: content of the file: `terms` (the options of the run), `done` and `steps`.
    """

    def __init__(self, path: Path, document: dict[str, Any]) -> None:
        self._path = path
        self._document = document

    @property
    def terms(self) -> dict[str, Any]:
        """The options that the run was started with."""
        terms: dict[str, Any] = self._document["terms"]
        return terms

    @property
    def ended_steps(self) -> list[str]:
        """The names of the steps that have ended."""
        return [name for name, step in self._document["steps"].items() if "result" in step]

    def run_step(
        self,
        name: str,
        job_type: str,
        arguments: Mapping[str, object],
        connection: Redis,
        console: TextConsole,
        job_id: str | None = None,
    ) -> dict[str, Any]:
        """Return the result of a step, from the file or from its job.

        A job that was queued before is followed; without one, a new job is queued.

        Args:
            name: name of the step: its round and what is done, such as "r1-train".
            job_type: type of the job.
            arguments: arguments of the job.
            connection: the connection to Redis.
            console: the console that shows the job's progress.
            job_id: a job that another job has queued for this step.

        Raises:
            JobError: the job failed, was stopped or was canceled.
        """
        step = self._document["steps"].setdefault(name, {})
        if "result" in step:
            result: dict[str, Any] = step["result"]
            return result
        number, action = name.removeprefix("r").split("-")
        printing.print_line(console, (f"round {number}", "bold"), f" {action}")
        job = step.get("job") or self._find_queued(step, connection)
        lost = job is not None and _is_lost(job, connection)
        if job is None or lost:
            use_given = job_id is not None and not lost
            job = job_id if use_given else self._enqueue(name, job_type, arguments, connection)
        step["job"] = job
        self._save()
        step["result"] = follow(str(job), connection, console)
        self._save()
        return dict(step["result"])

    def finish(self) -> None:
        """Mark the run as done, so that the next command starts a new run."""
        self._document["done"] = True
        self._save()

    def _enqueue(
        self, name: str, job_type: str, arguments: Mapping[str, object], connection: Redis
    ) -> str:
        """Queue the job of a step after saving its label."""
        label = f"dagger-{name}-{uuid.uuid4().hex[:6]}"
        self._document["steps"][name]["label"] = label
        self._save()
        return queue.enqueue(job_type, connection, label, arguments)

    def _find_queued(self, step: dict[str, Any], connection: Redis) -> str | None:
        """Return the job that was queued just before a kill, known by the label saved before it."""
        label = step.get("label")
        views = queue.views(connection) if label else []
        return next((view.id for view in views if f"-{label}-" in view.id), None)

    def _save(self) -> None:
        atomic_files.write_json(self._path, self._document)


def start_run(path: Path, terms: dict[str, Any]) -> DaggerRun:
    """Return a run that has not done anything yet."""
    atomic_files.make_folder(path.parent)
    return DaggerRun(path, {"terms": terms, "done": False, "steps": {}})


def load_unfinished_run(path: Path) -> DaggerRun | None:
    """Return the run that was interrupted, or None if there is none.

    Raises:
        JobError: the file of the run cannot be read.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        return None if document["done"] else DaggerRun(path, document)
    except FileNotFoundError:
        return None
    except (ValueError, TypeError, KeyError) as error:
        raise JobError(
            f"{path} cannot be read",
            got=error,
            remedy="`lapwing dagger --restart` starts a new run",
        ) from error


def _is_lost(job: str, connection: Redis) -> bool:
    """Tell whether a job will never have a result."""
    try:
        return queue.view(job, connection).status in LOST
    except JobError:  # Redis has forgotten the job.
        return True
