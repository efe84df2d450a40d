"""The ring: slots of shared memory, each a batch with its labels, between trainer and readers.

What travels between the processes is the number of a slot. A sample's frame and its label lie in
the same slot, so they cannot part, however many readers there are.

The memory is a file without a name in /dev/shm: the kernel frees it with the last process that
holds it, whatever killed them, and there is nothing to be reaped. It is allocated whole at the
start: where there is too little, that is an error then, and not a bus error an hour later.
"""

from __future__ import annotations

import mmap
import os
import shutil
import tempfile
from collections.abc import Callable
from multiprocessing import reduction
from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np
import numpy.typing as npt

from contract.errors import TrainingError
from contract.frames import spec

RECORD: Final = np.dtype(
    [
        ("number", "<i8"),  # of the sample, in the job's table
        ("key", "<u8"),  # of its chance in this epoch; 0: it is shown as it was recorded
        ("store", "<i4"),
        ("frame", "<i4"),
        ("label", "<f4"),
        ("speed_mps", "<f4"),
        ("flip", "?"),
    ],
    align=True,
)
"""What a reader is told of a sample, and where it leaves the label that fits what it made."""
MOST_SLOTS: Final = 8
"""More would only be memory, and past the processor's caches slower."""
PAGE: Final = 4096

Records = npt.NDArray[np.void]
Frames = npt.NDArray[np.uint8]


def records(
    samples: npt.NDArray[np.void],
    numbers: npt.NDArray[np.int64],
    keys: npt.NDArray[np.uint64] | None = None,
) -> Records:
    """Return the records, (n,) of RECORD, of a table's samples of these numbers.

    Args:
        samples: the table, of index.SAMPLE.
        numbers: (n,).
        keys: (n,), of each sample's chance; None: all are shown as they were recorded.
    """
    made = np.zeros(len(numbers), dtype=RECORD)
    made["number"] = numbers
    if keys is not None:
        made["key"] = keys
    for name in ("store", "frame", "label", "speed_mps", "flip"):
        made[name] = samples[name][numbers]
    return made


def slots(queue_bytes: int, batch: int, least: int) -> int:
    """Return how many slots fit into a bound.

    Raises:
        TrainingError: fewer than `least`, without which nobody could work while another does.
    """
    count = min(MOST_SLOTS, queue_bytes // _slot_bytes(batch))
    if count < least:
        need = -(-least * _slot_bytes(batch) >> 20)
        raise TrainingError(
            f"the queue is too small for batches of {batch}",
            got=f"{queue_bytes >> 20} MiB",
            remedy=f"Set LAPWING_QUEUE_MIB to {need} at least, or train with a smaller --batch",
        )
    return count


class Handed(Protocol):
    """A file descriptor on its way into another process."""

    def detach(self) -> int:
        """Return it there."""


class Ring:
    """Slots of shared memory; passed to a spawned process it is the same memory there.

    Args:
        count: of slots.
        batch: samples that a slot holds at most.
        folder: where the memory comes from; None: /dev/shm, or the folder for temporary files.

    Raises:
        TrainingError: there is too little of it.
    """

    def __init__(self, count: int, batch: int, folder: Path | None = None) -> None:
        folder = folder or _shared()
        size = count * _slot_bytes(batch)
        with tempfile.TemporaryFile(dir=folder) as file:
            descriptor = os.dup(file.fileno())
        try:
            if hasattr(os, "posix_fallocate"):
                os.posix_fallocate(descriptor, 0, size)
            else:
                os.ftruncate(descriptor, size)
        except OSError as error:
            os.close(descriptor)
            raise TrainingError(
                f"there is no room for the queue's {size >> 20} MiB in {folder}",
                got=f"{shutil.disk_usage(folder).free >> 20} MiB free",
                remedy="Lower LAPWING_QUEUE_MIB, or give more: shm_size in docker-compose.yml",
            ) from error
        self._open(descriptor, count, batch)

    def _open(self, descriptor: int, count: int, batch: int) -> None:
        self._descriptor, self.count, self.batch = descriptor, count, batch
        size = _slot_bytes(batch)
        self._map = mmap.mmap(descriptor, count * size)
        memory = np.frombuffer(self._map, dtype=np.uint8)
        head = _head_bytes(batch)
        views = [memory[start : start + size] for start in range(0, count * size, size)]
        self._records = [view[: batch * RECORD.itemsize].view(RECORD) for view in views]
        self._frames = [view[head:].view().reshape(batch, *spec.SHAPE) for view in views]

    def records(self, slot: int) -> Records:
        """Return the records of a slot: (batch,) of RECORD, in shared memory."""
        return self._records[slot]

    def frames(self, slot: int) -> Frames:
        """Return the frames of a slot: uint8 (batch, 128, 128, 3), in shared memory."""
        return self._frames[slot]

    def close(self) -> None:
        """Let go of the memory; it goes once the last view of it does."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
        self._descriptor = -1
        self._records, self._frames = [], []

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return _attached, (reduction.DupFd(self._descriptor), self.count, self.batch)


def _attached(handed: Handed, count: int, batch: int) -> Ring:
    """Return the ring of another process in this one."""
    ring = Ring.__new__(Ring)
    ring._open(handed.detach(), count, batch)
    return ring


def _shared() -> Path:
    memory = Path("/dev/shm")  # noqa: S108
    return memory if os.access(memory, os.W_OK) else Path(tempfile.gettempdir())


def _head_bytes(batch: int) -> int:
    return -(-batch * RECORD.itemsize // PAGE) * PAGE


def _slot_bytes(batch: int) -> int:
    return _head_bytes(batch) + batch * spec.BYTES
