"""Removes what killed jobs of the evaluator have left, on the model volume and in the inbox."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from redis import Redis

from contract.files import atomic_files, inbox, locks
from contract.models.registry import Registry
from contract.settings import load
from evaluator.settings import Settings

if TYPE_CHECKING:
    from rq.job import Job


def discard(job: Job, *_: object) -> None:
    """Remove the recording that a job was making; RQ calls this after it has killed the job."""
    recordings = load(Settings, os.environ).data_dir / inbox.RECORDINGS
    folder = recordings / str(job.id)
    if folder.exists():
        inbox.discard(folder.iterdir(), recordings)


def sweep(settings: Settings, _: Redis) -> None:
    """Remove what is left; the evaluator does this when it starts and after each job.

    Finished drives are kept: the next job goes on with them. A recording for DAgger whose job was
    stopped lies on the data volume, where ingest removes it.

    Raises:
        OSError: something cannot be removed.
    """
    registry = Registry(settings.model_dir)
    for version in registry.versions():
        for folder in list(registry.path(version).glob("**")):
            for path in atomic_files.temporary_paths(folder):
                locks.remove_abandoned(path)
