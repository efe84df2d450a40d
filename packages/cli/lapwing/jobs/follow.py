"""Queues jobs and waits for their results, with a progress bar at a terminal."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping, Sequence
from typing import Any, Final

import typer
from redis import Redis
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from contract import printing
from contract.errors import JobError, LapwingError
from contract.jobs import queue, worker
from contract.printable import printable
from contract.printing import TextConsole
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


def require_worker(name: str, connection: Redis) -> None:
    """Raise JobError unless a worker listens on the queue `name`."""
    if not worker.is_listening(name, connection):
        raise JobError(
            f"no {WORKERS[name]} is running",
            got=f"no worker listens on the queue {name}",
            remedy="Start Lapwing first: `lapwing up` or `docker compose up -d`",
        )


def should_wait(wait: bool | None) -> bool:
    """Tell whether a command waits for its job: as the option says, else only at a terminal."""
    return sys.stdout.isatty() if wait is None else wait


def follow(job_id: str, connection: Redis, console: TextConsole) -> dict[str, Any]:
    """Wait for the end of a job and return its result.

    Ctrl-C ends the waiting, not the job.

    Raises:
        JobError: the job failed, was stopped or was canceled.
    """
    with Progress(
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn("{task.fields[state]}", markup=False),
        TimeElapsedColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    ) as bar:
        task = bar.add_task(printable(job_id), total=None, state="")
        while (view := queue.view(job_id, connection)).status not in queue.ENDED:
            fraction = fraction_done(view.progress)
            total, completed = (None, 0.0) if fraction is None else (1.0, fraction)
            bar.update(
                task, total=total, completed=completed, state=printable(describe_progress(view))
            )
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
    return await_job(job_id, connection, wait, as_json)


def await_job(
    job_id: str, connection: Redis, wait: bool | None, as_json: bool
) -> dict[str, Any] | None:
    """Return the result of a queued job, or print its name and return None.

    Raises:
        JobError: the job failed.
    """
    if should_wait(wait):
        return follow(job_id, connection, printing.message_console(as_json))
    tables.print_queued([queue.view(job_id, connection)], as_json)
    return None


def finish(
    job_ids: Sequence[str],
    connection: Redis,
    wait: bool | None,
    as_json: bool,
    errors: Sequence[LapwingError] = (),
) -> None:
    """Wait for queued jobs and for the gates that follow them, and print their results.

    A job that fails does not keep the results of the others back. All errors are told at the end.
    If the command does not wait, it prints only the names of the jobs.

    Args:
        job_ids: the jobs.
        connection: Redis.
        wait: whether to wait; None means that the output decides.
        as_json: whether one JSON document is printed instead of text.
        errors: errors of jobs that could not be queued.

    Raises:
        LapwingError: the only job failed.
        typer.Exit: some of the jobs failed; the errors were printed.
    """
    if not should_wait(wait):
        if job_ids:
            tables.print_queued([queue.view(job_id, connection) for job_id in job_ids], as_json)
        _tell(errors, len(job_ids) + len(errors))
        return
    console = printing.message_console(as_json)
    results: dict[str, dict[str, Any]] = {}
    all_errors = list(errors)

    def wait_for(job_id: str) -> dict[str, Any]:
        try:
            results[job_id] = follow(job_id, connection, console)
        except JobError as error:
            results[job_id] = {"error": str(error)}
            all_errors.append(error)
            return {}
        return results[job_id]

    for job_id in job_ids:
        result = wait_for(job_id)
        if result and not as_json:
            tables.print_result(console, result)
        all_errors += [
            JobError(f"{failed['recording']} was not imported: {failed['error']}")
            for failed in result.get("failed", [])
        ]
        gate = result.get("gate")
        verdict = wait_for(gate) if gate is not None else {}
        if verdict and not as_json:
            model_tables.print_gate(console, verdict["gate"])
    alone = len(results) + len(errors) == 1
    if as_json and not (alone and all_errors):
        printing.print_json(results)
    _tell(all_errors, len(results) + len(errors))


def _tell(errors: Sequence[LapwingError], count: int) -> None:
    """Raise the error of the only job, or print the errors of several and end with status 1."""
    if errors and count == 1 and len(errors) == 1:
        raise errors[0]
    for error in errors:
        printing.print_error("lapwing", error)
    if errors:
        raise typer.Exit(1)
