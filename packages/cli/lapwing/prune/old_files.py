"""Finds the versions, drives and workspaces that are old, and removes them.

    <models>/versions/<n>/          a version, with its evaluations and its report
    <models>/tensorboard/<job>/     the curves of its training
    <models>/.jobs/<job>/           the workspace of a training, which lets it resume
    <drives>/<time>/                a drive that the bridge recorded
    <data>/stores/simulated-lap-*   a lap of `lapwing train --with-simulator`

The newest are kept. Of the versions these are kept besides: the current one, those that a rollback
can go back to, those that are pinned, and those that a job works on.
"""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

from contract.dataset import dataset_files
from contract.errors import ModelError, ServiceError
from contract.files import atomic_files, locks
from contract.jobs.queue import ENDED, JobView
from contract.models import journal, notes
from contract.models.registry import Registry
from lapwing.output.prune import OldThing

JOBS: Final = ".jobs"
TENSORBOARD: Final = "tensorboard"
DRIVE_NAME: Final = re.compile(r"\d{4}(_\d\d){5}_\d{3}(-\d+)?")
"""Name of a drive's folder; see drive_recorder.py of the bridge."""
RECENT_S: Final = 600.0
"""A drive whose files changed within this time, in seconds, may still be recorded."""


def find_versions(
    registry: Registry, keep: int, jobs: Sequence[JobView]
) -> tuple[list[OldThing], dict[int, str]]:
    """Return the versions that can be removed, oldest first, and why each of the others is kept.

    Args:
        registry: the registry.
        keep: number of newest versions that are kept; at least 1, because the number of the next
            version follows from the newest.
        jobs: all jobs that wait or run.

    Raises:
        ModelError: the current version, the journal or the notes cannot be read.
    """
    versions, current = registry.versions(), registry.current()
    kept = dict.fromkeys(versions[-keep:], f"one of the {keep} newest")
    for job in jobs:
        for key in ("version", "parent"):
            if isinstance(job.arguments.get(key), int):
                kept[job.arguments[key]] = f"{job.id} works on it"
    said = notes.read(registry.root)
    kept |= {version: "pinned" for version, note in said.items() if note.pinned}
    kept |= dict.fromkeys(journal.chain(registry.decisions()), "a rollback can go back to it")
    if current is not None:
        kept[current] = "current"
    old = []
    for version in versions:
        if version not in kept:
            paths = [registry.path(version)]
            with contextlib.suppress(ModelError):  # A damaged version does not say which job.
                job_id = registry.manifest(version).job_id
                if job_id and Path(job_id).name == job_id:  # Nothing outside that folder is meant.
                    paths.append(registry.root / TENSORBOARD / job_id)
            old.append(_thing("version", str(version), paths))
    return old, {version: kept[version] for version in versions if version in kept}


def find_workspaces(models: Path, jobs: Sequence[JobView] | None) -> list[OldThing]:
    """Return the workspaces of trainings that have ended.

    Args:
        models: the model volume.
        jobs: all jobs that Redis knows, read after the workspaces were listed; None if Redis does
            not answer. Then nothing is returned, because a job that waits may need its workspace.
    """
    if jobs is None:
        return []
    alive = {job.id for job in jobs if job.status not in ENDED}
    return [
        _thing("workspace", name, [models / JOBS / name, models / JOBS / f"{name}.lock"])
        for name in list_workspaces(models)
        if name not in alive
    ]


def list_workspaces(models: Path) -> list[str]:
    """Return the names of the jobs that have a workspace."""
    return sorted(path.name for path in (models / JOBS).glob("[!.]*") if path.is_dir())


def find_drives(folder: Path, keep: int, now_s: float | None = None) -> list[OldThing]:
    """Return the drives in a folder of the bridge without the newest, oldest first.

    Only folders with the bridge's own names and tables are drives, and none that is still recorded.

    Args:
        folder: the folder of the drives.
        keep: number of drives that are kept.
        now_s: time in seconds since 1970; None means now.
    """
    now_s = time.time() if now_s is None else now_s
    drives = sorted(
        path
        for path in (folder.iterdir() if folder.is_dir() else ())
        if DRIVE_NAME.fullmatch(path.name) and _drive_tables(path)
    )
    return [
        _thing("drive", str(path), [path])
        for path in drives[: max(0, len(drives) - keep)]
        if now_s - max(table.stat().st_mtime for table in _drive_tables(path)) > RECENT_S
    ]


def find_simulated_laps(data: Path, laps: Sequence[str], used: Iterable[str]) -> list[OldThing]:
    """Return the simulated laps that can be removed; a training records them again if it has to.

    Args:
        data: the data volume.
        laps: the datasets of all simulated laps.
        used: datasets that trained a version that is kept.
    """
    return [
        OldThing("simulated lap", lap, (), dataset_files.count_bytes(data, lap))
        for lap in laps
        if lap not in set(used)
    ]


def _drive_tables(drive: Path) -> list[Path]:
    """Return the tables of a drive: of the rows that the model drove, and of the others."""
    tables = (drive / name for name in ("driving_log.csv", "not_driven.csv"))
    return [table for table in tables if table.is_file()]


def remove(thing: OldThing) -> None:
    """Remove something old.

    A folder is renamed first, so that nobody sees a part of it; what a killed command left of it is
    removed by `remove_leftovers`.

    Raises:
        ServiceError: it cannot be removed.
    """
    try:
        for path in thing.paths:
            if path.is_dir():
                leaving = atomic_files.temporary_path(path)
                atomic_files.rename(path, leaving)
                locks.remove_abandoned(leaving)  # Or a worker is removing it already.
            else:
                path.unlink(missing_ok=True)
    except OSError as error:
        raise ServiceError(
            f"the {thing.kind} {thing.name} cannot be removed",
            got=error,
            remedy="The user of this command must be able to write to its folder",
        ) from error


def remove_version(registry: Registry, thing: OldThing) -> None:
    """Remove a version and its note, unless it became one that must be kept.

    Raises:
        ServiceError: it cannot be removed.
        StorageError: the object store does not answer.
        ModelError: it became the current version, or the registry cannot be read.
    """
    version = int(thing.name)
    with registry.current_version.lock():
        chain = journal.chain(registry.decisions())
        pinned = version in notes.read(registry.root) and notes.read(registry.root)[version].pinned
        if version == registry.current() or version in chain or pinned:
            raise ModelError(
                "the version has become one that is kept",
                got=version,
                remedy="Run the command again",
            )
        if registry.mirror is not None:
            registry.mirror.remove(version)  # The other machines follow.
        remove(thing)
        notes.forget(registry, version)


def remove_leftovers(models: Path) -> None:
    """Remove what a killed `lapwing prune` left of versions and workspaces."""
    for folder in (models / "versions", models / JOBS, models / TENSORBOARD):
        for path in atomic_files.temporary_paths(folder):
            locks.remove_abandoned(path)


def _thing(kind: str, name: str, paths: Iterable[Path]) -> OldThing:
    existing = tuple(path for path in paths if path.exists())
    return OldThing(kind, name, existing, sum(_count_bytes(path) for path in existing))


def _count_bytes(path: Path) -> int:
    """Return how many bytes the removal of a path frees: a file with another name stays."""
    files = [path] if path.is_file() else [file for file in path.rglob("*") if file.is_file()]
    stats = [file.lstat() for file in files]
    return sum(stat.st_size for stat in stats if stat.st_nlink == 1)
