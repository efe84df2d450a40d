"""The upper limit: frames, or some rows of each, are gathered at random from an array in memory.

The variable BENCH_ROWS names the rows: "43 116" for rows 43 to 115.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from bench.training.loaders import BATCH
from contract.dataset import store, store_catalog
from contract.frames import spec
from contract.frames.row_range import ALL_ROWS, RowRange
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
    given = os.environ.get("BENCH_ROWS")
    rows = RowRange(*map(int, given.split())) if given else ALL_ROWS
    frames = np.ascontiguousarray(frames[:, rows.slice])
    out = np.empty((BATCH, *rows.shape), np.uint8)
    chance = np.random.default_rng(1)
    while True:
        order = chance.permutation(len(frames))
        for start in range(0, len(order) - BATCH + 1, BATCH):
            numbers = order[start : start + BATCH]
            np.take(frames, numbers, axis=0, out=out, mode="clip")
            yield out, labels[numbers]
