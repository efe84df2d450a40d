"""Queues jobs and waits for their results, with a progress bar at a terminal."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping, Sequence
from typing import Any, Final

from redis import Redis
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from contract.errors import JobError
from contract.jobs import queue
from lapwing.output import models as model_tables
from lapwing.output import tables
from lapwing.output.progress import describe_error, describe_progress, fraction_done
from lapwing.settings import read_settings

POLL_S: Final = 0.25
WORKERS: Final = {queue.INGEST: "ingest", queue.TRAIN: "trainer", queue.EVALUATION: "evaluator"}
"""The service that works on each queue."""
ENDS: Final = {
    "finished": "finished without a result",
    "failed": "failed",
    "stopped": "was stopped",
    "canceled": "was canceled",
}


def should_wait(wait: bool | None) -> bool:
    """Tell whether a command waits for its job: as the option says, else only at a terminal."""
    return sys.stdout.isatty() if wait is None else wait


def follow(job_id: str, connection: Redis, console: Console) -> dict[str, Any]:
    """Wait for the end of a job and return its result.

    Ctrl-C ends the waiting, not the job.

    Raises:
        JobError: the job failed, was stopped or was canceled.
    """
    with Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[state]}"),
        TimeElapsedColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    ) as bar:
        task = bar.add_task(job_id, total=None, state="")
        while (view := queue.view(job_id, connection)).status not in queue.ENDED:
            fraction = fraction_done(view.progress)
            total, completed = (None, 0.0) if fraction is None else (1.0, fraction)
            bar.update(task, total=total, completed=completed, state=describe_progress(view))
            time.sleep(POLL_S)
    if view.status == "finished" and view.result is not None:
        return view.result
    raise JobError(
        f"the job {job_id} {ENDS[view.status]}",
        got=describe_error(view).rstrip(".") or None,
        remedy=f"`lapwing logs {WORKERS[view.queue]}` shows what its worker printed",
    )


def run_job(
    job_type: str, label: str, arguments: Mapping[str, Any], wait: bool | None, as_json: bool
) -> dict[str, Any] | None:
    """Queue one job. Return its result, or None if the command does not wait for it.

    Raises:
        JobError: Redis does not answer, or the job failed.
    """
    connection = read_settings().connect()
    job_id = queue.enqueue(job_type, connection, label, arguments)
    if should_wait(wait):
        return follow(job_id, connection, tables.message_console(as_json))
    tables.print_queued([queue.view(job_id, connection)], as_json)
    return None


def finish(job_ids: Sequence[str], connection: Redis, wait: bool | None, as_json: bool) -> None:
    """Wait for queued jobs and for the gates that follow them, and print their results.

    If the command does not wait, it prints only the names of the jobs.

    Raises:
        JobError: one of the jobs failed.
    """
    if not should_wait(wait):
        tables.print_queued([queue.view(job_id, connection) for job_id in job_ids], as_json)
        return
    console = tables.message_console(as_json)
    results = {}
    for job_id in job_ids:
        results[job_id] = follow(job_id, connection, console)
        if not as_json:
            tables.print_result(console, results[job_id])
        gate = results[job_id].get("gate")
        if gate is not None:
            results[gate] = follow(gate, connection, console)
            if not as_json:
                model_tables.print_gate(console, results[gate]["gate"])
    if as_json:
        tables.print_json(results)
