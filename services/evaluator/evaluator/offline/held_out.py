"""Opens the rows of the data volume that a version was not trained on."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from contract.dataset import split_file, store
from contract.dataset.split_file import DatasetSplit
from contract.dataset.store import StoreReader
from contract.errors import StoreError
from contract.models.registry import Registry
from contract.recordings import dagger_names

Mask = NDArray[np.bool_]


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
    - Of another dataset, they are all rows.
    - A version that was imported, or made by an earlier release, does not say which rows it was
      trained on: its own datasets are left out.
    - Recordings of DAgger are left out: the car did not follow the recorded steering, so log
      replay cannot drive along them.

    Raises:
        StoreError: a store does not match its manifest, or has other rows than the version was
            trained on.
        ModelError: the version's split cannot be read.
    """
    manifest = registry.manifest(version)
    split = split_file.read(registry.path(version) / split_file.FILE)
    splits: Mapping[str, DatasetSplit] = split.datasets if split else {}
    trained = {str(entry["dataset"]) for entry in manifest.data}
    held_out: list[HeldOutRows] = []
    with contextlib.ExitStack() as stack:
        for store_manifest in store.read_manifests(data_dir):
            dataset = store_manifest.dataset
            if dataset in trained and dataset not in splits:
                continue
            if dagger_names.is_dagger_dataset(dataset):
                continue
            reader = store.open_store(data_dir, store_manifest)
            stack.callback(reader.close)
            dataset_split = splits.get(dataset)
            rows = np.ones(len(reader.rows), dtype=np.bool_)
            reason = "the version was not trained on this dataset"
            if dataset_split is not None and split is not None:
                rows = _validation_mask(dataset, dataset_split, len(reader.rows))
                reason = (
                    f"{int(rows.sum()):,} validation rows; no training row is within "
                    f"{split.gap_s:g} s of them"
                )
            held_out.append(HeldOutRows(dataset, reader, rows, reason))
        yield held_out


def _validation_mask(dataset: str, split: DatasetSplit, rows: int) -> Mask:
    if split.rows != rows:
        raise StoreError(
            f"the store {dataset} is not the one that the version was trained on",
            got=f"{rows:,} rows",
            remedy=f"The version's split has {split.rows:,} rows. Train again",
        )
    return np.array(split_file.mask(split.validation, rows))
