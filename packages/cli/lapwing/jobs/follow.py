"""Follows a job to its end, with a progress bar where somebody looks."""

from __future__ import annotations

import sys
import time
from typing import Annotated, Any, Final

import typer
from redis import Redis
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from contract.errors import JobError
from contract.jobs import queue
from contract.jobs.queue import JobView

POLL_S: Final = 0.25
WORKERS: Final = {queue.INGEST: "ingest", queue.TRAIN: "trainer", queue.EVALUATION: "evaluator"}
"""The service that works on each queue."""

Wait = Annotated[
    bool | None,
    typer.Option("--wait/--no-wait", help="Follow the job to its end; default at a terminal."),
]


def waits(wait: bool | None) -> bool:
    """Tell whether a command follows its job."""
    return sys.stdout.isatty() if wait is None else wait


def follow(job_id: str, connection: Redis, console: Console) -> dict[str, Any]:
    """Wait for a job's end and return its result.

    Ctrl-C stops the waiting, not the job.

    Raises:
        JobError: the job failed, or was stopped or cancelled.
    """
    with Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[said]}"),
        TimeElapsedColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    ) as bar:
        task = bar.add_task(job_id, total=None, said="")
        while (seen := queue.view(job_id, connection)).status not in queue.ENDED:
            share = done(seen.progress)
            total, completed = (None, 0.0) if share is None else (1.0, share)
            bar.update(task, total=total, completed=completed, said=describe(seen))
            time.sleep(POLL_S)
    if seen.status != "finished" or seen.result is None:
        raise JobError(
            f"the job {job_id} {seen.status}",
            got=seen.error or None,
            remedy=f"lapwing logs {WORKERS[seen.queue]} tells more",
        )
    return seen.result


def done(progress: dict[str, Any]) -> float | None:
    """Return how much of a job is done, 0..1, as far as its progress tells."""
    if progress.get("steps") and progress.get("epochs"):
        epochs = progress["epoch"] - 1 + progress["step"] / progress["steps"]
        return float(epochs / progress["epochs"])
    if progress.get("drives_total"):
        return float(progress.get("drives", 0) / progress["drives_total"])
    if progress.get("rows_total"):
        return float(progress.get("rows_done", 0) / progress["rows_total"])
    return None


def describe(job: JobView) -> str:
    """Say in a few words where a job stands."""
    said = job.progress
    if job.status != "started":
        return job.status
    phase = str(said.get("phase", "starting"))
    if phase in ("drive", "replay"):
        return f"{phase} · version {said.get('version', '?')} · {said.get('drives', 0)} of " + str(
            said.get("drives_total", "?")
        )
    if phase not in ("decode", "train", "collect"):  # what the last of these told is past
        return phase
    words = [phase]
    if "epoch" in said:
        words.append(f"epoch {said['epoch']}/{said['epochs']}")
    if "loss" in said:
        words.append(f"loss {said['loss']:.4f}")
    if "validation_mse" in said:
        words.append(f"val {said['validation_mse']:.4f}")
    for name, unit in (("samples_per_s", "samples/s"), ("rows_per_s", "rows/s")):
        if name in said:
            words.append(f"{said[name]:.0f} {unit}")
    if said.get("data_wait_percent", 0) >= 2:
        words.append(f"{said['data_wait_percent']:.0f} % waiting for data")
    if said.get("eta_s") is not None:
        words.append(f"≤ {said['eta_s']:.0f} s left")
    return " · ".join(words)
