"""Finds and removes the files of a dataset on the data volume.

<data>/stores/<dataset>.*        the store, its manifest, and what people say about it
<data>/overviews/<dataset>/      figures and pictures for people
<data>/reports/<dataset>.json    the report of the import
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

from contract.dataset import dataset_labels, overviews, store_catalog
from contract.errors import StoreError
from contract.files import atomic_files, locks
from contract.storage import stores

__all__ = ["count_bytes", "remove"]


def count_bytes(data_dir: Path, dataset: str) -> int:
    """Return how many bytes the files of a dataset take."""
    return sum(path.stat().st_size for path in _files(data_dir, dataset))


def remove(data_dir: Path, dataset: str, environ: Mapping[str, str] = os.environ) -> int:
    """Remove a dataset, and return how many bytes that frees here.

    With LAPWING_STORAGE it is removed from the object store, too, and other machines follow.

    The manifest goes first: a store without one does not exist, so nobody sees a part of it, and a
    command that was killed is completed by the next import of the recording.

    Raises:
        StoreError: a file cannot be removed.
        StorageError: the object store does not answer.
    """
    mirror = stores.open_mirror(data_dir, environ)
    if mirror is not None:
        mirror.remove(dataset)
    manifest = store_catalog.paths(data_dir, dataset)[1]
    try:
        with locks.lock(dataset_labels.lock(data_dir)):
            freed = count_bytes(data_dir, dataset)
            manifest.unlink(missing_ok=True)
            atomic_files.fsync(manifest.parent)
            for path in _files(data_dir, dataset):
                path.unlink()
            folder = overviews.folder(data_dir, dataset)
            if folder.is_dir():
                shutil.rmtree(folder)
            return freed
    except OSError as error:
        raise StoreError(
            f"the dataset {dataset} cannot be removed",
            got=error,
            remedy=f"The user of this command must be able to write to {manifest.parent}",
        ) from error


def _files(data_dir: Path, dataset: str) -> Iterator[Path]:
    for path in sorted(store_catalog.folder(data_dir).glob("[!.]*")):
        # The name of a dataset has no dot, so lake-1 does not take the files of lake-10 along.
        if path.name.partition(".")[0] == dataset:
            yield path
    yield from sorted(path for path in overviews.folder(data_dir, dataset).glob("*"))
    report = data_dir / "reports" / f"{dataset}.json"
    if report.is_file():
        yield report
