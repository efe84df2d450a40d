import gc
import mmap
import multiprocessing
import os
import re
import shutil
import signal
import time
from pathlib import Path

import numpy as np
import pytest
from support.services import orphans

from contract.errors import TrainingError
from trainer.data import samples as index
from trainer.data import shared_memory
from trainer.data.shared_memory import BatchRing

MIB = 1 << 20


def test_there_are_as_many_slots_as_fit_up_to_the_maximum() -> None:
    assert shared_memory.slot_count(16 * MIB, 64, 2) == 5
    assert shared_memory.slot_count(4096 * MIB, 64, 2) == shared_memory.MAX_SLOTS


def test_too_small_a_limit_says_what_is_needed() -> None:
    with pytest.raises(TrainingError, match=r"got 8 MiB. Set LAPWING_QUEUE_MIB to at least 9[67]"):
        shared_memory.slot_count(8 * MIB, 1024, 2)


def test_slots_do_not_overlap() -> None:
    made = BatchRing(3, 2)
    for slot in range(3):
        made.records(slot)["label"] = slot
        made.frames(slot)[:] = slot
    for slot in range(3):
        assert (made.records(slot)["label"] == slot).all()
        assert (made.frames(slot) == slot).all()
        assert made.frames(slot).shape == (2, 128, 128, 3)
    made.close()


def write(shared: BatchRing) -> None:
    shared.frames(1)[0] = 7
    shared.records(1)["number"] = 11


def test_a_spawned_process_has_the_same_memory() -> None:
    made = BatchRing(2, 1)
    process = multiprocessing.get_context("spawn").Process(target=write, args=(made,))
    process.start()
    process.join(30)
    assert made.frames(1)[0, 5, 5, 0] == 7
    assert made.records(1)["number"][0] == 11
    made.close()


def sleep(shared: BatchRing) -> None:
    shared.frames(0)[:] = 1
    time.sleep(60)


def test_the_memory_has_no_name_that_a_kill_could_leave_behind() -> None:
    unused, mapped = orphans.shared_memory(), orphans.mapped_files()
    made = BatchRing(4, 16)
    process = multiprocessing.get_context("spawn").Process(target=sleep, args=(made,))
    process.start()
    deadline = time.monotonic() + 120
    while not made.frames(0).any():
        assert time.monotonic() < deadline
        time.sleep(0.01)
    [own] = orphans.mapped_files() - mapped
    assert not Path(own).exists()
    assert process.pid is not None
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    made.close()
    assert orphans.shared_memory() <= unused


def test_too_little_shared_memory_is_an_error_at_the_start() -> None:
    free = os.statvfs("/dev/shm")
    batch = 4096
    count = free.f_bavail * free.f_frsize // (batch * 49_152) + 2
    with pytest.raises(TrainingError, match=r"no room for the queue.* shm_size"):
        BatchRing(count, batch, folder=Path("/dev/shm"))


def test_records_hold_all_that_a_reader_needs() -> None:
    samples = np.zeros(3, index.SAMPLE)
    samples["store"], samples["frame"], samples["label"] = [0, 1, 2], [10, 20, 30], [0.1, 0.2, 0.3]
    samples["flip"] = [False, True, False]
    made = shared_memory.make_records(samples, np.array([2, 1]), np.array([5, 6], np.uint64))
    assert made["number"].tolist() == [2, 1]
    assert made["key"].tolist() == [5, 6]
    assert made["store"].tolist() == [2, 1]
    assert made["frame"].tolist() == [30, 20]
    assert made["flip"].tolist() == [False, True]
    assert shared_memory.make_records(samples, np.array([0]))["key"].tolist() == [0]


def nameless() -> list[Path]:
    """Return the descriptors of this process that are nameless files in /dev/shm."""
    entries = list(Path("/proc/self/fd").iterdir())
    return [entry for entry in entries if str(entry.resolve()).startswith("/dev/shm/")]


def test_the_memory_is_allocated_as_a_whole_and_given_back() -> None:
    """Memory that is only promised ends a training with a bus error, an hour later."""
    before = nameless()
    made = BatchRing(3, 10)
    own, mapped = sorted(set(nameless()) - set(before))  # a memory map has one of its own
    held = own.stat()
    assert held.st_ino == mapped.stat().st_ino
    assert held.st_size >= 3 * 10 * 49_152
    assert held.st_blocks * 512 >= held.st_size
    made.close()
    made.close()
    assert len(nameless()) == len(before) + 1
    del made
    gc.collect()
    assert nameless() == before
    assert all(os.fstat(standard) for standard in (0, 1, 2))


def test_what_found_no_room_holds_nothing_and_says_how_much_was_asked_for(tmp_path: Path) -> None:
    before = len(list(Path("/proc/self/fd").iterdir()))
    count = shutil.disk_usage(tmp_path).total // (4096 * 49_152) + 2
    free_mib = shutil.disk_usage(tmp_path).free / 2**20
    with pytest.raises(TrainingError, match="there is no room for the queue's") as caught:
        BatchRing(count, 4096, folder=tmp_path)
    assert len(list(Path("/proc/self/fd").iterdir())) == before
    asked, told = map(int, re.findall(r"(\d+) MiB", str(caught.value)))
    assert asked == pytest.approx(count * 4096 * 49_152 / 2**20, rel=0.01)
    assert told == pytest.approx(free_mib, rel=0.5)


def test_the_smallest_queue_holds_the_slots_that_are_needed() -> None:
    """A slot of a sample is a page with its record, and its frame of 128 x 128 x 3 bytes."""
    slot = 4096 + 128 * 128 * 3
    assert shared_memory.slot_count(2 * slot, 1, 2) == 2
    with pytest.raises(TrainingError, match="too small"):
        shared_memory.slot_count(2 * slot - 1, 1, 2)


@pytest.mark.parametrize("batch", [1, 3, 103, 200])
def test_the_frames_of_each_slot_begin_at_a_page(batch: int) -> None:
    made = BatchRing(3, batch)
    for slot in range(3):
        assert made.frames(slot).ctypes.data % mmap.PAGESIZE == 0
        assert made.records(slot).shape == (batch,)
        made.records(slot)["number"] = slot + 1
        made.frames(slot)[:] = 255
    for slot in range(3):
        assert (made.records(slot)["number"] == slot + 1).all()
    made.close()
