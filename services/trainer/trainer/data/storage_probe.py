"""Measures the memory that may hold frames, and the disk's speed without it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np

from contract.dataset.frame_blocks import BlockLayout, BlockReader
from contract.frames import spec

CGROUP: Final = Path("/sys/fs/cgroup")
PROBES: Final = 64
"""Number of frames that the disk's speed is measured with."""


def free_bytes(meminfo: Path = Path("/proc/meminfo"), cgroup: Path = CGROUP) -> int:
    """Return the free memory that may cache files, within the limit of a container.

    Where neither can be read, as on macOS, memory counts as unlimited.
    """
    free = 1 << 62
    if meminfo.exists():
        lines = dict(line.split(":", 1) for line in meminfo.read_text().splitlines() if ":" in line)
        free = int(lines["MemAvailable"].split()[0]) << 10
    limit, used = cgroup / "memory.max", cgroup / "memory.current"
    if limit.exists() and (text := limit.read_text().strip()) != "max":
        stat = dict(line.split() for line in (cgroup / "memory.stat").read_text().splitlines())
        in_use = int(used.read_text()) - int(stat["inactive_file"]) - int(stat["active_file"])
        free = min(free, int(text) - in_use)
    return max(0, free)


def random_frames_per_s(stores: Sequence[BlockLayout]) -> float:
    """Return the frames that the disk reads each second at random positions, without memory."""
    rng = np.random.default_rng(1)
    out = np.empty((1, *spec.SHAPE), dtype=np.uint8)
    layouts = [stores[number] for number in rng.integers(0, len(stores), PROBES).tolist()]
    elapsed_s = 0.0
    for layout in layouts:
        with BlockReader(layout) as store:
            store.drop_cache()
            started_s = time.perf_counter()
            store.gather(rng.integers(0, layout.frames, 1), out)
            elapsed_s += time.perf_counter() - started_s
    return PROBES / elapsed_s
