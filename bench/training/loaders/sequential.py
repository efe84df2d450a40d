"""One process reads the file of the store from its beginning to its end, from the page cache."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from bench.training.loaders import BATCH
from contract.dataset import store_catalog
from contract.frames import spec


def batches(folder: Path) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    (manifest,) = store_catalog.read_manifests(folder / "data")
    path, _ = store_catalog.paths(folder / "data", manifest.dataset)
    out = np.empty((BATCH, *spec.SHAPE), np.uint8)
    labels = np.zeros(BATCH, np.float32)
    with path.open("rb", buffering=0) as file:
        while True:
            if file.readinto(memoryview(out).cast("B")) < out.nbytes:
                file.seek(0)
                continue
            yield out, labels
