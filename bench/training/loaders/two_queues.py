"""The write-up's way: a process reads with PyTables and puts each sample into two queues."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import tables

from bench.training.loaders import BATCH

DEPTH = 1024


def load(path: str, frames: multiprocessing.Queue[Any], labels: multiprocessing.Queue[Any]) -> None:
    file = tables.open_file(path, "r")
    count = len(file.root.training_images)
    while True:
        for start in range(0, count, BATCH):
            images = file.root.training_images[start : start + BATCH]
            steering = file.root.training_labels[start : start + BATCH]
            for image, label in zip(images, steering, strict=True):
                frames.put(image)
                labels.put(label)


def batches(folder: Path) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    context = multiprocessing.get_context("spawn")
    frames, labels = context.Queue(DEPTH), context.Queue(DEPTH)
    process = context.Process(
        target=load, args=(str(folder / "writeup.h5"), frames, labels), daemon=True
    )
    process.start()
    try:
        while True:
            yield (
                np.array([frames.get() for _ in range(BATCH)]),
                np.array([labels.get() for _ in range(BATCH)]),
            )
    finally:
        process.kill()
        process.join()
