"""What a version was trained on, as far as it is still there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from contract import atomic_files
from contract.dataset import split_file, store
from contract.dataset.split_file import SplitFile
from contract.dataset.store import Rows, StoreManifest
from contract.errors import StoreError
from contract.frames import spec
from contract.models.registry import ModelManifest

Frames = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.bool_]

CHUNK: Final = 256
"""Frames read at a time."""


@dataclass(frozen=True, eq=False)
class Source:
    """A recording that a version was trained on."""

    number: int
    """In the order of the training, from 0."""
    manifest: StoreManifest
    rows: Rows
    train: Mask
    validation: Mask

    @property
    def name(self) -> str:
        """Of the dataset."""
        return self.manifest.dataset


def sources(
    data_dir: Path, manifest: ModelManifest, split: SplitFile | None
) -> tuple[list[Source], list[str]]:
    """Return a version's recordings, and a sentence on each that cannot be looked at and why.

    A recording counts as the same only if its manifest has the digest that the version names.
    """
    if "imported_from" in manifest.config:
        return [], ["No recordings: the version was imported, and says nothing of its training."]
    if split is None:
        return [], [
            "No recordings: the version, of an earlier release, does not say which rows "
            "validated it. lapwing train makes one that does."
        ]
    found, missing = [], []
    for number, data in enumerate(manifest.data):
        name = str(data["dataset"])
        try:
            found.append(_source(data_dir, number, data, split))
        except StoreError as error:
            missing.append(f"Nothing of {name}: {error}")
    return found, missing


def _source(data_dir: Path, number: int, data: dict[str, Any], split: SplitFile) -> Source:
    name = str(data["dataset"])
    path = store.paths(data_dir, name)[1]
    manifest = store.read_manifest(path)
    sides = split.datasets.get(name)
    if atomic_files.sha256(path) != data["manifest_sha256"] or sides is None:
        raise StoreError(
            f"the store {name} is another than the version was trained on",
            got=f"{manifest.rows:,} rows of {manifest.created_at}",
            remedy="Import the recording again as it was",
        )
    with store.open_store(data_dir, manifest) as reader:
        rows = reader.rows
    if len(rows) != sides.rows:
        raise StoreError(
            f"the store {name} has another number of rows than its split",
            got=f"{len(rows):,}, not {sides.rows:,}",
        )
    train, validation = (
        np.array(split_file.mask(each, len(rows))) for each in (sides.train, sides.validation)
    )
    return Source(number, manifest, rows, train, validation)


def frames(data_dir: Path, source: Source, rows: Sequence[int]) -> Frames:
    """Return the centre frames of rows, (n, 128, 128, 3)."""
    numbers = source.rows["center"][np.asarray(rows, dtype=np.int64)].astype(np.int64)
    found = np.empty((len(numbers), *spec.SHAPE), np.uint8)
    with store.open_store(data_dir, source.manifest) as reader:
        reader.gather(numbers, found)
    return found
