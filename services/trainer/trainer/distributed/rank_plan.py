"""What the driver of a training tells each of its workers, and how a worker opens its stores."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from contract.dataset import store, store_catalog
from contract.dataset.store import StoreReader
from contract.errors import StoreError
from contract.files import atomic_files
from contract.train_config import TrainConfig
from trainer.data.pipeline import TrainingData


@dataclass(frozen=True, eq=False)
class RankPlan:
    """A training as its workers see it.

    The driver has split, labelled and numbered the samples once. So the workers cannot differ in
    them, whatever processors they have.
    """

    job_id: str
    config: TrainConfig
    data: TrainingData
    manifests: Mapping[str, str]
    """SHA-256 of each dataset's manifest, in the order in which the samples number the stores."""
    checkpoint_s: float
    start_weights: Sequence[npt.NDArray[np.float32]] | None


def open_stores(
    data_dir: Path, manifests: Mapping[str, str], stack: contextlib.ExitStack
) -> list[StoreReader]:
    """Open a worker's copies of the stores, and compare every block of them with its checksum.

    Args:
        data_dir: the data volume of the worker's machine.
        manifests: the driver's digests of the manifests.
        stack: closes the stores.

    Raises:
        StoreError: a store is missing here, damaged, or another one than the driver has.
    """
    readers = []
    for name, digest in manifests.items():
        path = store_catalog.paths(data_dir, name)[1]
        found = atomic_files.sha256(path)[:12] if path.exists() else "none"
        if found != digest[:12]:
            raise StoreError(
                "a machine of the cluster has not the stores that the driver of the training has",
                got=f"the manifest {path} with the SHA-256 {found}, not {digest[:12]}",
                remedy="Give all machines the data volume of the trainer, shared or as a copy, and "
                "name it in LAPWING_DATA_DIR",
            )
        manifest = store_catalog.read_manifest(path)
        readers.append(stack.enter_context(store.open_store(data_dir, manifest)))
        readers[-1].verify()
    return readers
