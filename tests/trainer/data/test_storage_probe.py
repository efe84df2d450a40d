from pathlib import Path

import numpy as np
import pytest

from contract.dataset.frame_blocks import BlockLayout
from contract.frames import spec
from trainer.data.storage_probe import free_bytes, random_frames_per_s

GB = 1 << 30


@pytest.fixture
def meminfo(tmp_path: Path) -> Path:
    path = tmp_path / "meminfo"
    path.write_text(f"MemTotal: {16 << 20} kB\nMemAvailable:   {8 << 20} kB\nHugePages_Total: 0\n")
    return path


@pytest.fixture
def group(tmp_path: Path) -> Path:
    folder = tmp_path / "cgroup"
    folder.mkdir()
    (folder / "memory.max").write_text(f"{2 * GB}\n")
    (folder / "memory.current").write_text(f"{GB + GB // 2}\n")
    (folder / "memory.stat").write_text(f"inactive_file {GB // 4}\nactive_file {GB // 4}\n")
    return folder


def test_available_memory_counts_as_free(meminfo: Path, tmp_path: Path) -> None:
    assert free_bytes(meminfo, tmp_path) == 8 * GB


def test_cached_files_do_not_count_against_a_containers_limit(meminfo: Path, group: Path) -> None:
    assert free_bytes(meminfo, group) == GB


def test_a_container_without_a_limit_has_the_machines_memory(meminfo: Path, group: Path) -> None:
    (group / "memory.max").write_text("max\n")
    assert free_bytes(meminfo, group) == 8 * GB


def test_this_machine_has_free_memory() -> None:
    assert free_bytes() > 1 << 20


def test_the_speed_of_the_disk_is_measured(tmp_path: Path) -> None:
    path = tmp_path / "run.h5"
    path.write_bytes(bytes(64 * spec.BYTES))
    place = BlockLayout(path, 64, 32, np.array([0, 32 * spec.BYTES]))
    assert random_frames_per_s([place]) > 10
