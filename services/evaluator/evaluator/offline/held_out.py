"""What a version can be held to without a simulator: recorded rows that it was not trained on."""

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
class Held:
    """Rows of one dataset."""

    dataset: str
    reader: StoreReader
    rows: Mask
    """(rows of the store,), those that the version was not trained on."""
    said: str
    """Why they are fair, as a fact."""


@contextmanager
def held_out(data_dir: Path, registry: Registry, version: int) -> Iterator[list[Held]]:
    """Open the stores, and yield what a version has not seen of each.

    Of a dataset that it was trained on, its validation rows: none of training is within the gap
    around them. Of another dataset, all rows. Of a version that does not say which rows trained it
    (made by an earlier release, or imported), only the datasets that it does not name. What DAgger
    recorded is left out: the car did not go where its steering says, and cannot go there again.

    Raises:
        StoreError: a store is not what its manifest says, or has other rows than trained it.
        ModelError: the version's split cannot be read.
    """
    manifest = registry.manifest(version)
    split = split_file.read(registry.path(version) / split_file.FILE)
    sides: Mapping[str, DatasetSplit] = split.datasets if split else {}
    trained = {str(each["dataset"]) for each in manifest.data}
    opened: list[Held] = []
    with contextlib.ExitStack() as stack:
        for each in store.read_manifests(data_dir):
            if each.dataset in trained and each.dataset not in sides:
                continue
            if dagger_names.is_dagger_dataset(each.dataset):
                continue
            reader = store.open_store(data_dir, each)
            stack.callback(reader.close)
            side = sides.get(each.dataset)
            rows = np.ones(len(reader.rows), dtype=np.bool_)
            said = "not trained on"
            if side is not None and split is not None:
                rows = _mask(each.dataset, side, len(reader.rows))
                said = (
                    f"{int(rows.sum()):,} validation rows; no row of training within "
                    f"{split.gap_s:g} s of them"
                )
            opened.append(Held(each.dataset, reader, rows, said))
        yield opened


def _mask(dataset: str, side: DatasetSplit, count: int) -> Mask:
    if side.rows != count:
        raise StoreError(
            f"the store {dataset} is not the one that the version was trained on",
            got=f"{count:,} rows",
            remedy=f"It had {side.rows:,}: train again",
        )
    return np.array(split_file.mask(side.validation, count))
