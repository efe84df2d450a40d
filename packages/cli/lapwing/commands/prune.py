"""The command `prune`: it removes what is old."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from redis import Redis

from contract import printing
from contract.dataset import dataset_files
from contract.errors import JobError
from contract.jobs import queue
from contract.jobs.queue import JobView
from contract.models.registry import Registry
from lapwing.datasets import catalog
from lapwing.datasets import simulated_laps as simulated_lap_datasets
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
    simulated_laps: Annotated[
        bool,
        typer.Option(
            "--simulated-laps",
            help="Remove the laps of `lapwing train --with-simulator` too, unless a version that "
            "is kept was trained on them.",
        ),
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what would be removed.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Remove old versions, drives, workspaces, and simulated laps.

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
    if simulated_laps:
        laps, reason = _find_laps(settings, [int(thing.name) for thing in versions], jobs)
        things += laps
        notes += [reason] if reason else []
    if not dry_run:
        _remove_all(settings, registry, things)
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


def _find_laps(
    settings: Settings, removed: Sequence[int], jobs: Sequence[JobView] | None
) -> tuple[list[OldThing], str]:
    """Return the simulated laps that can be removed, or none and the reason.

    Args:
        settings: the settings.
        removed: the versions that are removed.
        jobs: all jobs that Redis knows; None if it does not answer.
    """
    laps = simulated_lap_datasets.find(settings.data)
    users, silent = catalog.read_users(settings)
    if not laps:
        return [], ""
    if jobs is None or any(job.status not in queue.ENDED for job in jobs):
        return [], "The simulated laps are kept: a job may need them."
    if silent:
        versions = ", ".join(map(str, silent))
        return [], f"The simulated laps are kept: what trained version {versions} is not known."
    used = [dataset for dataset, versions in users.items() if set(versions) - set(removed)]
    return old_files.find_simulated_laps(settings.data, laps, used), ""


def _remove_all(settings: Settings, registry: Registry, things: list[OldThing]) -> None:
    old_files.remove_leftovers(registry.root)
    for thing in things:
        if thing.kind == "version":
            old_files.remove_version(registry, thing)
        elif thing.kind == "simulated lap":
            dataset_files.remove(settings.data, thing.name)
        else:
            old_files.remove(thing)
