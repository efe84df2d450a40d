"""Lapwing's own loader: reader processes deliver every sample once in an epoch."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench.training.loaders import BATCH
from contract.dataset import store, store_catalog
from contract.frames.row_range import ALL_ROWS, RowRange
from contract.train_config import TrainConfig
from trainer.data import pipeline, reader_count, sampler, shared_memory
from trainer.data.augmentation import variation
from trainer.data.augmentation.variation import Augmentation
from trainer.data.loader import Batch, DataLoader
from trainer.data.samples import LabelledRecording


@dataclass(frozen=True)
class RingOptions:
    """What the loader delivers, and how."""

    readers: int = 2
    """Number of reader processes; 0 takes as many as a training on this machine's CPU does."""
    shuffle: str = "exact"
    rows: RowRange = ALL_ROWS
    flip: bool = False
    recipe: bool = False
    """Whether the samples are those of the default recipe: mirrored, and varied by the readers."""


def batches(folder: Path) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield batches as the variable BENCH_RING says: the fields of RingOptions as JSON."""
    given = json.loads(os.environ.get("BENCH_RING", "{}"))
    if "rows" in given:
        given["rows"] = RowRange(*given["rows"])
    for batch in epochs(folder, BATCH, 1, RingOptions(**given)):
        yield batch.frames, batch.labels


def epochs(folder: Path, size: int, max_in_use: int, options: RingOptions) -> Iterator[Batch]:
    """Yield the batches of one epoch after another, as a training does."""
    (manifest,) = store_catalog.read_manifests(folder / "data")
    with store.open_store(folder / "data", manifest) as reader:
        rows, segment, place = reader.rows, reader.timeline.segment, reader.layout
    mask = np.ones(len(rows), bool)
    recording = LabelledRecording(rows, mask, mask, segment, rows["steering"])
    config = TrainConfig(flip=options.flip or options.recipe)
    samples = pipeline.expand([recording], config)
    augmentation = pipeline.augmentation(config) if options.recipe else Augmentation()
    readers, _ = reader_count.choose(reader_count.usable_cores(), gpu=False, varied=options.recipe)
    numbers = np.arange(len(samples))
    orders = {
        "none": lambda epoch: sampler.storage_order(numbers, samples),
        "exact": lambda epoch: sampler.full_shuffle(numbers, 1, epoch),
        "blocks": lambda epoch: sampler.windowed_shuffle(numbers, samples, 1, epoch),
    }
    with DataLoader(
        [place],
        batch=size,
        readers=options.readers or readers,
        queue_bytes=256 << 20,
        rows=options.rows,
        augmentation=augmentation,
        max_in_use=max_in_use,
    ) as stream:
        for epoch in range(1_000_000):
            asked = (
                shared_memory.make_records(samples, each, variation.sample_keys(1, epoch, each))
                for each, _ in orders[options.shuffle](epoch).batches(size)
            )
            yield from stream.batches(asked)
