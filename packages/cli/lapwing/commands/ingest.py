"""The command `ingest`: it has recordings imported into the data store."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import typer

from contract.errors import DiskFullError, LapwingError, RecordingError
from contract.jobs import queue
from contract.recordings.archive import recording_path
from contract.recordings.steering_unit import parse_unit
from lapwing.jobs import uploads
from lapwing.jobs.follow import finish
from lapwing.options import AsJson, Wait
from lapwing.settings import read_settings


def ingest(
    paths: Annotated[
        list[Path],
        typer.Argument(
            readable=False,
            help="Recordings to import. Each is a folder, its driving_log.csv, a zip file or a "
            "tar file.",
        ),
    ],
    name: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Name of the dataset. By default, it is the name of the folder or file.",
        ),
    ] = None,
    max_reject_share: Annotated[
        float | None,
        typer.Option(
            metavar="X",
            min=0,
            max=1,
            help="Largest share of a recording's rows that may be bad. If more are bad, the "
            "import fails. The default is the worker's setting LAPWING_MAX_REJECT_SHARE.",
        ),
    ] = None,
    steering_unit: Annotated[
        str,
        typer.Option(
            metavar="UNIT",
            help="Unit of the steering in the logs, if it is not from -1 to 1 as the recorder "
            "writes it: degrees of the front wheels, radians, or its value at full lock, such as "
            "450 for a wheel. It is converted.",
        ),
    ] = "lock",
    wait: Wait = None,
    as_json: AsJson = False,
) -> None:
    """Import recordings into the data store.

    Each recording is imported by itself: the errors of those that cannot be are told at the end.
    A recording that was imported before is skipped.
    """
    full_lock = parse_unit(steering_unit)
    settings = read_settings()
    connection = settings.connect()
    job_ids = []
    errors: list[LapwingError] = []
    for given in paths:
        path = recording_path(given)
        try:
            with ExitStack() as held:
                source, staged = uploads.stage_recording(path, settings.inbox_dir, held)
                arguments = {
                    "source": str(source),
                    "name": name,
                    "staged": staged,
                    "max_reject_share": max_reject_share,
                    "full_lock": full_lock,
                }
                label = name or path.name
                job_ids.append(queue.enqueue(queue.INGEST, connection, label, arguments))
        except (RecordingError, DiskFullError) as error:  # It is told at the end.
            errors.append(error)
    finish(job_ids, connection, wait, as_json, errors)
