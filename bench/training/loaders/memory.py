"""The upper limit: frames are gathered at random from an array in memory."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from bench.training.loaders import BATCH
from contract.dataset import store, store_catalog
from contract.frames import spec
from contract.vehicle import CAMERA_NAMES


def everything(folder: Path) -> tuple[np.ndarray, np.ndarray]:
    """Return all frames of the store, and the steering of each."""
    (manifest,) = store_catalog.read_manifests(folder / "data")
    frames = np.empty((manifest.frames, *spec.SHAPE), np.uint8)
    labels = np.zeros(manifest.frames, np.float32)
    with store.open_store(folder / "data", manifest) as reader:
        reader.gather(np.arange(manifest.frames), frames)
        for camera in CAMERA_NAMES:
            labels[reader.rows[camera]] = reader.rows["steering"]
    return frames, labels


def batches(folder: Path) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    frames, labels = everything(folder)
    out = np.empty((BATCH, *spec.SHAPE), np.uint8)
    chance = np.random.default_rng(1)
    while True:
        order = chance.permutation(len(frames))
        for start in range(0, len(order) - BATCH + 1, BATCH):
            numbers = order[start : start + BATCH]
            np.take(frames, numbers, axis=0, out=out, mode="clip")
            yield out, labels[numbers]
