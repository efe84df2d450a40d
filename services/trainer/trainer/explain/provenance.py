"""Finds the recordings that a version was trained on, as far as they still exist."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from contract.dataset import split_file, store, store_catalog
from contract.dataset.split_file import SplitFile
from contract.dataset.store import Rows
from contract.dataset.store_catalog import StoreManifest
from contract.errors import StoreError
from contract.files import atomic_files
from contract.frames import spec
from contract.models import lineage
from contract.models.registry import ModelManifest
from trainer.data import dataset_rows
from trainer.data.dataset_rows import DatasetRows

Frames = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.bool_]

CHUNK: Final = 256
"""Number of frames that are read at a time."""


@dataclass(frozen=True, eq=False)
class TrainingRecording:
    """A recording that a version was trained on."""

    number: int
    """Its number in the order of the training, from 0."""
    manifest: StoreManifest
    dataset: DatasetRows
    train: Mask
    """(rows,), true for rows that trained the version."""
    validation: Mask
    """(rows,), true for rows that validated it."""
    unfit: Mapping[str, int] = field(default_factory=dict)
    """Number of its rows that were left out of the training as unfit, by the reason."""

    @property
    def name(self) -> str:
        """Name of the dataset."""
        return self.manifest.dataset

    @property
    def rows(self) -> Rows:
        """The rows of its store, (rows,)."""
        return self.dataset.table


def find_recordings(
    data_dir: Path, manifest: ModelManifest, split: SplitFile | None
) -> tuple[list[TrainingRecording], list[str]]:
    """Return a version's recordings, and a sentence on each that cannot be used.

    A recording counts as the same only if its manifest has the hash that the version names.
    Recordings that trained only an ancestor of the version are left out.
    """
    if "imported_from" in manifest.config:
        return [], ["No recordings: the version was imported, and says nothing about its training."]
    if split is None:
        return [], [
            "No recordings: the version was made by an earlier release and does not say which rows "
            "validated it. Train a new version with lapwing train."
        ]
    recordings, missing = [], []
    for number, data in enumerate(lineage.own_data(manifest)):
        name = str(data["dataset"])
        try:
            recordings.append(_read_recording(data_dir, number, data, split))
        except StoreError as error:
            missing.append(f"Nothing of {name}: {error}")
    return recordings, missing


def _read_recording(
    data_dir: Path, number: int, data: dict[str, Any], split: SplitFile
) -> TrainingRecording:
    name = str(data["dataset"])
    path = store_catalog.paths(data_dir, name)[1]
    manifest = store_catalog.read_manifest(path)
    parts = split.datasets.get(name)
    if atomic_files.sha256(path) != data["manifest_sha256"] or parts is None:
        raise StoreError(
            f"the store {name} is not the one that the version was trained on",
            got=f"{manifest.rows:,} rows of {manifest.created_at}",
            remedy="Import the original recording again",
        )
    with store.open_store(data_dir, manifest) as reader:
        (dataset,) = dataset_rows.read([reader])
    rows = dataset.table
    if len(rows) != parts.rows:
        raise StoreError(
            f"the store {name} has another number of rows than its split",
            got=f"{len(rows):,}, not {parts.rows:,}",
        )
    train, validation = (
        np.array(split_file.mask(runs, len(rows))) for runs in (parts.train, parts.validation)
    )
    return TrainingRecording(number, manifest, dataset, train, validation, data.get("unfit", {}))


def read_frames(data_dir: Path, recording: TrainingRecording, rows: Sequence[int]) -> Frames:
    """Return the centre frames of rows, (n, 128, 128, 3)."""
    numbers = recording.rows["center"][np.asarray(rows, dtype=np.int64)].astype(np.int64)
    frames = np.empty((len(numbers), *spec.SHAPE), np.uint8)
    with store.open_store(data_dir, recording.manifest) as reader:
        reader.gather(numbers, frames)
    return frames
