"""Simulates an accelerator that takes batches at a fixed pace, and measures how long it waits.

It is fed as a GPU is, by the thread that moves the next batch while a step runs.
"""

from __future__ import annotations

import time
from collections.abc import Generator
from pathlib import Path

from bench.training.loaders import ring
from bench.training.loaders.ring import RingOptions
from trainer.data.device.prefetch import MAX_IN_USE, prefetch

BATCH = 256
STEP_S = 0.010
STEPS = 1000
WARM_UP = 100


def waits(folder: Path, options: RingOptions) -> float:
    """Return the share of the time that the accelerator waited for batches."""
    batches = prefetch(ring.epochs(folder, BATCH, MAX_IN_USE, options))
    assert isinstance(batches, Generator)  # so that it can be closed
    for _ in range(WARM_UP):
        next(batches)
    waited_s, began = 0.0, time.perf_counter()
    for _ in range(STEPS):
        asked = time.perf_counter()
        next(batches)
        came = time.perf_counter()
        waited_s += came - asked
        time.sleep(max(0.0, STEP_S - (time.perf_counter() - came)))
    share = waited_s / (time.perf_counter() - began)
    batches.close()
    return share
