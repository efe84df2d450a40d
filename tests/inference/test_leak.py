"""Tests that half an hour of driving with a new version every ten seconds leaks nothing (P11)."""

import os
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import numpy as np
import pytest
from support.data import models
from support.services.loading import frames, loading, result, served

from contract.models import promotion
from contract.models.registry import Registry

DURATION_S = float(os.environ.get("LAPWING_SOAK_S", "1800"))
RELOAD_S = 10.0


def usage(pid: int) -> tuple[int, int, int]:
    """Return the memory in bytes, the open files and the threads of a process and its workers."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    memory = files = threads = 0
    for process_id in [str(pid), *children]:
        proc = Path("/proc") / process_id
        memory += int((proc / "statm").read_text().split()[1]) * 4096
        files += len(list((proc / "fd").iterdir()))
        threads += len(list((proc / "task").iterdir()))
    return memory, files, threads


@pytest.mark.soak
def test_memory_files_and_threads_stay_as_they_are(
    registry: Registry, networks: Path, tmp_path: Path, print_figures: Callable[[str], None]
) -> None:
    for name in ("left", "right"):
        models.publish(registry, networks / name, name)
    pictures = frames(tmp_path / "frames")
    options = ("--rate", "30", "--clients", "4", "--seconds", str(DURATION_S))
    samples = []
    with served(registry) as (process, url), loading(url, pictures, *options) as load:
        began = time.monotonic()
        version = 2
        while (elapsed := time.monotonic() - began) < DURATION_S - RELOAD_S:
            samples.append((elapsed, *usage(process.pid)))
            version = 3 - version
            promotion.force(registry, version, "a test")
            time.sleep(RELOAD_S)
            assert httpx.get(f"{url}/model").json()["version"] == version
        figures = result(load)
    time_s, memory, files, threads = np.array(samples).T
    late = time_s > DURATION_S / 3
    slope = float(np.polyfit(time_s[late], memory[late], 1)[0]) * 3600 / 1e6
    print_figures(
        f"{figures['statuses']}, {len(samples)} reloads, {memory[late].min() / 1e6:.1f} to "
        f"{memory[late].max() / 1e6:.1f} MB, {slope:+.1f} MB/h, files {set(files[late])}, "
        f"threads {set(threads[late])}"
    )
    assert set(figures["statuses"]) == {"200"}
    assert figures["broken"] == 0
    assert slope <= 5
    # The number of open connections may differ by those that ask for /model.
    assert np.ptp(files[late]) <= 2
    assert np.ptp(threads[late]) <= 1
