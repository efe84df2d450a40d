"""Chooses the number of processes that read for a training, from its cores and what it needs."""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import Final

from trainer.data.storage_probe import CGROUP

GPU_SAMPLES_PER_S: Final = 100_000
"""Samples that a training on a GPU may take each second: the network has a quarter of a million
weights, and its steps on a data centre's GPU take 256 samples in 2 to 3 ms."""
CORE_SAMPLES_PER_S: Final = 1_000
"""Samples that a training takes each second for each core of a CPU: 400 to 800 were measured."""
READER_SAMPLES_PER_S: Final = 100_000
"""Samples that a reader delivers each second as they were recorded."""
VARIED_SAMPLES_PER_S: Final = 40_000
"""Samples that a reader delivers each second varied; docs/adr/0003-stream.md has the figures."""


def usable_cores(cgroup: Path = CGROUP) -> int:
    """Return the number of cores that this process may use, within the limit of a container."""
    if hasattr(os, "sched_getaffinity"):  # macOS has no such call
        cores = len(os.sched_getaffinity(0))
    else:
        cores = os.cpu_count() or 1
    limit = cgroup / "cpu.max"
    if limit.exists() and not (text := limit.read_text()).startswith("max"):
        quota_us, period_us = map(int, text.split())
        cores = min(cores, max(1, quota_us // period_us))
    return cores


def choose(cores: int, *, gpu: bool, varied: bool) -> tuple[int, str]:
    """Return the number of readers, and the reason.

    There are as many as the training needs, but one core is left to the training itself.

    Args:
        cores: number of cores that the training and its readers may use.
        gpu: whether the network is computed on a GPU.
        varied: whether the readers vary the samples.
    """
    needed = GPU_SAMPLES_PER_S if gpu else CORE_SAMPLES_PER_S * cores
    delivered = VARIED_SAMPLES_PER_S if varied else READER_SAMPLES_PER_S
    count = max(1, min(math.ceil(needed / delivered), cores - 1))
    return count, (
        f"{cores} cores; the training takes up to {needed:,} samples/s "
        f"{'on a GPU' if gpu else 'on the CPU'}, a reader delivers about {delivered:,}"
    )
