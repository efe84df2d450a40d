"""Lapwing's own loader: reader processes deliver every sample once in an epoch."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from bench.training.loaders import BATCH
from contract.dataset import store
from contract.vehicle import CAMERA_NAMES
from trainer.data import sampler, shared_memory, side_cameras
from trainer.data import samples as index
from trainer.data.loader import Batch, DataLoader
from trainer.data.samples import LabelledRecording

READERS = int(os.environ.get("BENCH_READERS", "2"))
SHUFFLE = os.environ.get("BENCH_SHUFFLE", "exact")
FLIP = os.environ.get("BENCH_FLIP", "") == "1"


def batches(folder: Path) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    for batch in epochs(folder, BATCH, max_in_use=1):
        yield batch.frames, batch.labels


def epochs(folder: Path, size: int, max_in_use: int) -> Iterator[Batch]:
    """Yield the batches of one epoch after another, as a training does."""
    (manifest,) = store.read_manifests(folder / "data")
    with store.open_store(folder / "data", manifest) as reader:
        rows, segment, place = reader.rows, reader.timeline.segment, reader.layout
    mask = np.ones(len(rows), bool)
    recording = LabelledRecording(rows, mask, mask, segment, rows["steering"])
    samples = index.expand(
        [recording],
        cameras=CAMERA_NAMES,
        flip=FLIP,
        history=0,
        labeller=side_cameras.make_labeller(0.2, 2.0),
    )
    numbers = np.arange(len(samples))
    orders = {
        "none": lambda epoch: sampler.storage_order(numbers, samples),
        "exact": lambda epoch: sampler.full_shuffle(numbers, 1, epoch),
        "blocks": lambda epoch: sampler.windowed_shuffle(numbers, samples, 1, epoch),
    }
    with DataLoader(
        [place], batch=size, readers=READERS, queue_bytes=256 << 20, max_in_use=max_in_use
    ) as stream:
        for epoch in range(1_000_000):
            asked = (
                shared_memory.make_records(samples, each)
                for each, _ in orders[SHUFFLE](epoch).batches(size)
            )
            yield from stream.batches(asked)
