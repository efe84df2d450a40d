"""Removes what killed jobs of the evaluator have left in the folders of versions."""

from __future__ import annotations

from redis import Redis

from contract.files import atomic_files, locks
from contract.models.registry import Registry
from evaluator.settings import Settings


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
