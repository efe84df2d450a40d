"""The command `ingest`: it has recordings imported into the data store."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from contract.jobs import queue
from lapwing.jobs import uploads
from lapwing.jobs.follow import finish
from lapwing.options import AsJson, Wait
from lapwing.settings import read_settings


def ingest(
    paths: Annotated[
        list[Path],
        typer.Argument(help="Recordings to import. Each is a folder, a zip file or a tar file."),
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
    wait: Wait = None,
    as_json: AsJson = False,
) -> None:
    """Import recordings into the data store.

    A recording that was imported before is skipped.
    """
    settings = read_settings()
    connection = settings.connect()
    job_ids = []
    for path in paths:
        source, staged = uploads.stage_recording(path, settings.inbox_dir)
        arguments = {
            "source": str(source),
            "name": name,
            "staged": staged,
            "max_reject_share": max_reject_share,
        }
        job_ids.append(queue.enqueue(queue.INGEST, connection, name or path.name, arguments))
    finish(job_ids, connection, wait, as_json)
