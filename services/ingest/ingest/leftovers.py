"""Removes what killed and cancelled jobs, and killed commands, have left on the data volume."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Final

from redis import Redis

from contract.dataset import dataset_labels, store_catalog
from contract.files import atomic_files, inbox, locks
from contract.jobs import leftovers
from contract.recordings import archive
from ingest.settings import Settings

UNPACKED: Final = "unpacked"
"""Folder on the data volume in which archives are unpacked."""
ORPHAN_S: Final = 3600.0
"""A store without a manifest is removed when nothing was done to it for this time, in seconds: it
may just be copied back from somewhere else, its manifest last."""


def sweep(settings: Settings, connection: Redis) -> None:
    """Remove what is left; ingest does this when it starts and after each job.

    Raises:
        OSError: something cannot be removed.
        RedisError: Redis does not answer.
    """
    data_dir = settings.data_dir
    leftovers.sweep_inbox(data_dir / inbox.RECORDINGS, connection)
    archive.remove_leftovers(data_dir / UNPACKED)
    stores = store_catalog.folder(data_dir)
    for folder in (data_dir, stores, data_dir / "reports", *(data_dir / "overviews").glob("*")):
        leftovers.remove_temporary(folder)
    for path in stores.glob(".*.lock"):
        if path != dataset_labels.lock(data_dir):
            locks.remove_abandoned(path)
    remove_orphans(data_dir, time.time())


def remove_orphans(data_dir: Path, now_s: float) -> None:
    """Remove stores without a manifest, which a kill between their two renames has left.

    Args:
        data_dir: the data volume.
        now_s: the time in seconds since 1970.
    """
    stores = store_catalog.folder(data_dir)
    if not any(_orphans(stores, now_s)):
        return
    with locks.lock(dataset_labels.lock(data_dir)):
        for path in _orphans(stores, now_s):
            path.unlink()
        atomic_files.fsync(stores)


def _orphans(stores: Path, now_s: float) -> list[Path]:
    return [
        path
        for suffix in (".h5", ".ids")
        for path in stores.glob(f"[!.]*{suffix}")
        if not path.with_suffix(".json").exists() and now_s - path.stat().st_ctime > ORPHAN_S
    ]
