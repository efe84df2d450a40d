"""The command `shadow`: it lets a version steer along unseen while another one drives."""

from __future__ import annotations

from typing import Annotated

import typer

from contract import printing
from contract.jobs import queue
from contract.models.registry import Registry
from lapwing.jobs.follow import run_job
from lapwing.options import AsJson, Version, Wait
from lapwing.output import models as model_tables
from lapwing.settings import read_home


def shadow(
    version: Version,
    seconds: Annotated[
        float,
        typer.Option(
            "--seconds",
            metavar="X",
            min=1,
            max=3600,
            help="Number of seconds to steer along, counted from the first frame of the drive.",
        ),
    ] = 60.0,
    wait: Wait = None,
    as_json: AsJson = False,
) -> None:
    """Let a version steer along unseen during a drive.

    The current version drives the car as before, no slower. The result shows how the two versions
    differ, and the pictures of the moments in which they differ most.
    """
    Registry(read_home().models).manifest(version)
    arguments = {"version": version, "seconds": seconds}
    result = run_job(queue.SHADOW, str(version), arguments, wait, as_json)
    if result is None:
        return
    if as_json:
        printing.print_json(result)
    else:
        model_tables.print_shadow(printing.message_console(), result["shadow"])
