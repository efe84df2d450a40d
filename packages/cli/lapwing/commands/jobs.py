"""The commands `jobs` and `cancel`: they list the jobs, and end one."""

from __future__ import annotations

import dataclasses
from typing import Annotated

import typer

from contract import printing
from contract.jobs import queue
from lapwing.options import AsJson
from lapwing.output import tables
from lapwing.settings import read_settings


def list_jobs(as_json: AsJson = False) -> None:
    """List all jobs: those that wait, run or have ended."""
    views = queue.views(read_settings().connect())
    if as_json:
        printing.print_json([dataclasses.asdict(view) for view in views])
    else:
        tables.print_jobs(printing.message_console(), views)


def cancel(
    job: Annotated[str, typer.Argument(help="Name of the job. `lapwing jobs` lists them.")],
    as_json: AsJson = False,
) -> None:
    """Cancel a job that waits, or stop a job that runs."""
    view = queue.cancel(job, read_settings().connect())
    if as_json:
        printing.print_json(dataclasses.asdict(view))
    else:
        printing.message_console().print(f"{view.id} {view.status}")
