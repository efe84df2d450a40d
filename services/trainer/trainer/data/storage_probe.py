"""How much memory there is, and how fast the disk is without it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np

from contract.dataset.frame_blocks import BlockLayout, BlockReader
from contract.frames import spec

SHARES: Final = Path("/sys/fs/cgroup")
PROBES: Final = 64


def free_bytes(meminfo: Path = Path("/proc/meminfo"), group: Path = SHARES) -> int:
    """Return what may hold files for us: what is free, within what a container allows.

    Where neither can be read, as on macOS, there is taken to be as much as anybody wants.
    """
    free = 1 << 62
    if meminfo.exists():
        lines = dict(line.split(":", 1) for line in meminfo.read_text().splitlines() if ":" in line)
        free = int(lines["MemAvailable"].split()[0]) << 10
    limit, used = group / "memory.max", group / "memory.current"
    if limit.exists() and (text := limit.read_text().strip()) != "max":
        stat = dict(line.split() for line in (group / "memory.stat").read_text().splitlines())
        held = int(used.read_text()) - int(stat["inactive_file"]) - int(stat["active_file"])
        free = min(free, int(text) - held)
    return max(0, free)


def random_frames_per_s(places: Sequence[BlockLayout]) -> float:
    """Return how many frames a second the disk itself reads, at random places of the stores."""
    chance = np.random.default_rng(1)
    out = np.empty((1, *spec.SHAPE), dtype=np.uint8)
    chosen = [places[number] for number in chance.integers(0, len(places), PROBES).tolist()]
    passed_s = 0.0
    for place in chosen:
        with BlockReader(place) as store:
            store.drop_cache()
            began = time.perf_counter()
            store.gather(chance.integers(0, place.frames, 1), out)
            passed_s += time.perf_counter() - began
    return PROBES / passed_s
