"""Opens the rows of the data volume that a version was not trained on."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from contract.dataset import exclusions, split_file, store, store_catalog, trained_rows
from contract.dataset.row_identity import RowIds
from contract.dataset.split_file import DatasetSplit
from contract.dataset.store import StoreReader
from contract.dataset.trained_rows import TrainedRows
from contract.errors import StoreError
from contract.models import lineage
from contract.models.registry import Registry
from contract.recordings.reserved_names import is_dagger_dataset, is_simulated_dataset
from contract.storage import stores as object_stores

Mask = NDArray[np.bool_]

NEVER_TRAINED: Final = "the version was not trained on this dataset"


@dataclass(frozen=True)
class HeldOutRows:
    """The rows of one dataset that a version was not trained on."""

    dataset: str
    reader: StoreReader
    rows: Mask
    """True for each row that was held out, shape (rows of the store,)."""
    reason: str
    """Why the version may be evaluated on these rows, in words."""


@contextmanager
def open_held_out(data_dir: Path, registry: Registry, version: int) -> Iterator[list[HeldOutRows]]:
    """Open the stores and yield the held-out rows of each.

    - Of a dataset that the version was trained on, they are the validation rows: no training row
      is within the gap around them.
    - Of another dataset, they are the rows that show no frame that trained the version, nor lie
      within the gap of one that does.
    - A version that was imported, or made by an earlier release, does not say which rows it was
      trained on: its own datasets are left out.
    - Rows that somebody excluded (contract/dataset/exclusions.py) are left out.
    - Recordings of DAgger are left out: the car did not follow the recorded steering, so log
      replay cannot drive along them.
    - Simulated laps that `lapwing train --with-simulator` added are left out: they say nothing
      about how a version drives where the person's own recordings were made.

    Raises:
        StoreError: a store does not match its manifest, or has other rows than the version was
            trained on.
        ModelError: the version's split cannot be read.
    """
    object_stores.pull(data_dir)  # what other machines have imported
    manifest = registry.manifest(version)
    split = split_file.read(registry.path(version) / split_file.FILE)
    splits: Mapping[str, DatasetSplit] = split.datasets if split else {}
    trained = {str(entry["dataset"]) for entry in manifest.data}
    held_out: list[HeldOutRows] = []
    with contextlib.ExitStack() as stack:
        manifests = [
            each
            for each in store_catalog.read_manifests(data_dir)
            if each.dataset not in trained or each.dataset in splits
        ]
        readers = {}
        for reader in store.open_stores(data_dir, manifests):
            readers[reader.dataset] = reader
            stack.callback(reader.close)
        identities = trained_rows.read(registry.path(version) / trained_rows.FILE)
        identities = identities or _identify_rows(splits, readers)
        for dataset, reader in readers.items():
            if is_dagger_dataset(dataset) or is_simulated_dataset(dataset):
                continue
            if split is None:
                rows = np.ones(len(reader.rows), dtype=np.bool_)
                reason = NEVER_TRAINED
            elif dataset in splits:
                rows = _validation_mask(dataset, splits[dataset], len(reader.rows))
                reason = (
                    f"{int(rows.sum()):,} validation rows; no training row is within "
                    f"{split.gap_s:g} s of them"
                )
            else:
                time_s = reader.timeline.time_s
                near_training = identities.near_training(reader.row_ids, time_s, split.gap_s)
                rows = ~near_training
                reason = NEVER_TRAINED
                if near_training.any():
                    reason = (
                        f"{int(rows.sum()):,} of its {len(rows):,} rows; the others show frames "
                        f"that trained the version, or are within {split.gap_s:g} s of them"
                    )
            excluded = exclusions.read(data_dir, dataset).mask(reader.rows["line"])
            if excluded.any():
                rows &= ~excluded
                reason += f"; {int(excluded.sum()):,} rows that are excluded are left out"
            held_out.append(HeldOutRows(dataset, reader, rows, reason))
        yield held_out


def is_new_to(registry: Registry, version: int, dataset: str, reader: StoreReader) -> bool:
    """Return whether it is known that no row of a dataset trained a version or chose its epoch.

    It is not known of a version that was imported, or descends from one, or that release 0.1.0
    made.

    Raises:
        ModelError: the version's split or trained rows cannot be read.
    """
    manifest, folder = registry.manifest(version), registry.path(version)
    split = split_file.read(folder / split_file.FILE)
    used = trained_rows.read(folder / trained_rows.FILE)
    if split is None or used is None or lineage.unknown_data(manifest):
        return False
    if dataset in {str(entry["dataset"]) for entry in manifest.data}:
        return False
    near = used.near_training(reader.row_ids, reader.timeline.time_s, split.gap_s)
    return not (near | np.isin(reader.row_ids, used.validated)).any()


def _identify_rows(
    splits: Mapping[str, DatasetSplit], readers: Mapping[str, StoreReader]
) -> TrainedRows:
    """Return the rows that trained a version of release 0.1.0, as far as its stores exist."""
    uses: tuple[list[RowIds], ...] = ([], [], [])
    for dataset in splits.keys() & readers.keys():
        split, ids = splits[dataset], readers[dataset].row_ids
        validation = _validation_mask(dataset, split, len(ids))
        train = np.array(split_file.mask(split.train, len(ids)), dtype=np.bool_)
        for parts, mask in zip(uses, (train, ~train & ~validation, validation), strict=True):
            parts.append(ids[mask])
    return TrainedRows.of(
        *(np.concatenate([np.zeros(0, dtype=np.uint64), *parts]) for parts in uses)
    )


def _validation_mask(dataset: str, split: DatasetSplit, rows: int) -> Mask:
    if split.rows != rows:
        raise StoreError(
            f"the store {dataset} is not the one that the version was trained on",
            got=f"{rows:,} rows",
            remedy=f"The version's split has {split.rows:,} rows. Train again",
        )
    return np.array(split_file.mask(split.validation, rows))
