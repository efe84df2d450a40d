"""The command `prune`: it removes what is old."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from redis import Redis

from contract import printing
from contract.errors import JobError
from contract.jobs import queue
from contract.models.registry import Registry
from lapwing.options import AsJson
from lapwing.output import prune as prune_tables
from lapwing.output.prune import OldThing
from lapwing.prune import old_files
from lapwing.settings import Settings, read_home


def prune(
    keep: Annotated[
        int,
        typer.Option(
            metavar="N", min=1, help="Number of newest versions, and of newest drives, to keep."
        ),
    ],
    drives: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            envvar="LAPWING_RECORD_DIR",
            help="Folder in which the bridge records drives.",
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what would be removed.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Remove old versions, drives and workspaces.

    These versions are never removed: the current one, those that `lapwing rollback` can go back
    to, those that are pinned (`lapwing models --pin N`), and those that a job works on. A workspace
    lets a training resume that was interrupted; it is removed when its job has ended.
    """
    settings = read_home()
    registry = Registry(settings.models)
    workspaces = old_files.list_workspaces(settings.models)
    connection = _connect(settings)
    jobs = None if connection is None else queue.views(connection)
    alive = [job for job in jobs or [] if job.status not in queue.ENDED]
    versions, kept = old_files.find_versions(registry, keep, alive)
    things = [
        *versions,
        *(
            thing
            for thing in old_files.find_workspaces(settings.models, jobs)
            if thing.name in workspaces
        ),
        *(old_files.find_drives(drives, keep) if drives is not None else []),
    ]
    notes = _describe_limits(workspaces, jobs is None, drives)
    if not dry_run:
        _remove_all(registry, things)
    if as_json:
        printing.print_json(prune_tables.document(things, kept, notes, dry_run))
    else:
        prune_tables.print_pruned(printing.message_console(), things, kept, notes, dry_run)


def _connect(settings: Settings) -> Redis | None:
    try:
        return settings.connect(reading=True)  # A full disk is when it is needed.
    except JobError:
        return None


def _describe_limits(workspaces: list[str], blind: bool, drives: Path | None) -> list[str]:
    """Return what the command could not look at, as sentences."""
    notes = []
    if workspaces and blind:
        notes.append(
            f"{len(workspaces)} workspaces of trainings are kept: Redis does not answer, so it is "
            "not known which of these trainings have ended."
        )
    if drives is None:
        notes.append("No drives were looked at: --drives names the folder in which they are.")
    return notes


def _remove_all(registry: Registry, things: list[OldThing]) -> None:
    old_files.remove_leftovers(registry.root)
    for thing in things:
        if thing.kind == "version":
            old_files.remove_version(registry, thing)
        else:
            old_files.remove(thing)
