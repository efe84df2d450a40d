"""Shares batches between the trainer and the readers: a ring of slots in shared memory.

Only the number of a slot travels between the processes. A sample's frame and its label lie in the
same slot, so they cannot be separated, however many readers there are.

The memory is a nameless file in /dev/shm. The kernel frees it with the last process that holds it,
however that process ends, so nothing needs cleaning up. It is allocated as a whole at the start:
too little memory is an error at once, instead of a bus error an hour later.
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
from contract.frames.row_range import ALL_ROWS, RowRange

RECORD: Final = np.dtype(
    [
        ("number", "<i8"),  # number of the sample in the job's table
        ("key", "<u8"),  # key of its random numbers in this epoch; 0 leaves it as recorded
        ("store", "<i4"),
        ("frame", "<i4"),
        ("label", "<f4"),
        ("speed_mps", "<f4"),
        ("flip", "?"),
    ],
    align=True,
)
"""The request for one sample; the reader replaces the label if it moves the view."""
MAX_SLOTS: Final = 8
"""Maximum number of slots; more would only take memory and exceed the processor's caches."""
PAGE: Final = 4096

Records = npt.NDArray[np.void]
Frames = npt.NDArray[np.uint8]


def make_records(
    samples: npt.NDArray[np.void],
    numbers: npt.NDArray[np.int64],
    keys: npt.NDArray[np.uint64] | None = None,
) -> Records:
    """Return the records, (n,) of RECORD, of some of a table's samples.

    Args:
        samples: the table, of samples.SAMPLE.
        numbers: (n,), numbers of the samples.
        keys: (n,), keys of their random numbers; None leaves all as recorded.
    """
    records = np.zeros(len(numbers), dtype=RECORD)
    records["number"] = numbers
    if keys is not None:
        records["key"] = keys
    for name in ("store", "frame", "label", "speed_mps", "flip"):
        records[name] = samples[name][numbers]
    return records


def slot_count(queue_bytes: int, batch: int, minimum: int, rows: RowRange = ALL_ROWS) -> int:
    """Return the number of slots for these rows of frames that fit into `queue_bytes`.

    Raises:
        TrainingError: fewer than `minimum` slots fit, which trainer and readers need to work at
            the same time.
    """
    count = min(MAX_SLOTS, queue_bytes // _slot_bytes(batch, rows))
    if count < minimum:
        needed_mib = -(-minimum * _slot_bytes(batch, rows) >> 20)
        raise TrainingError(
            f"the queue is too small for batches of {batch}",
            got=f"{queue_bytes >> 20} MiB",
            remedy=f"Set LAPWING_QUEUE_MIB to at least {needed_mib}, or lower --batch",
        )
    return count


class DupFd(Protocol):
    """A file descriptor that is passed to another process."""

    def detach(self) -> int:
        """Return the descriptor in the other process."""


class BatchRing:
    """Slots of shared memory; a spawned process that receives the ring sees the same memory.

    Args:
        count: number of slots.
        batch: maximum number of samples in a slot.
        rows: the rows of the frames that a slot holds.
        folder: folder that provides the memory; None takes /dev/shm, or else the folder for
            temporary files.

    Raises:
        TrainingError: there is too little memory.
    """

    def __init__(
        self, count: int, batch: int, rows: RowRange = ALL_ROWS, folder: Path | None = None
    ) -> None:
        folder = folder or _memory_folder()
        size = count * _slot_bytes(batch, rows)
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
                remedy="Lower LAPWING_QUEUE_MIB, or raise shm_size in docker-compose.yml",
            ) from error
        self._open(descriptor, count, batch, rows)

    def _open(self, descriptor: int, count: int, batch: int, rows: RowRange) -> None:
        self._descriptor, self.count, self.batch, self.rows = descriptor, count, batch, rows
        size = _slot_bytes(batch, rows)
        self._map = mmap.mmap(descriptor, count * size)
        memory = np.frombuffer(self._map, dtype=np.uint8)
        head = _head_bytes(batch)
        views = [memory[start : start + size] for start in range(0, count * size, size)]
        self._records = [view[: batch * RECORD.itemsize].view(RECORD) for view in views]
        self._frames = [view[head:].view().reshape(batch, *rows.shape) for view in views]

    def records(self, slot: int) -> Records:
        """Return the records of a slot: (batch,) of RECORD, in shared memory."""
        return self._records[slot]

    def frames(self, slot: int) -> Frames:
        """Return the frames of a slot: uint8 (batch, rows, 128, 3), in shared memory."""
        return self._frames[slot]

    def close(self) -> None:
        """Release the memory; the kernel frees it with the last view of it."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
        self._descriptor = -1
        self._records, self._frames = [], []

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        descriptor = reduction.DupFd(self._descriptor)
        return _attach, (descriptor, self.count, self.batch, self.rows)


def _attach(descriptor: DupFd, count: int, batch: int, rows: RowRange) -> BatchRing:
    """Return the ring of another process in this process."""
    ring = BatchRing.__new__(BatchRing)
    ring._open(descriptor.detach(), count, batch, rows)
    return ring


def _memory_folder() -> Path:
    memory = Path("/dev/shm")  # noqa: S108
    return memory if os.access(memory, os.W_OK) else Path(tempfile.gettempdir())


def _head_bytes(batch: int) -> int:
    return -(-batch * RECORD.itemsize // PAGE) * PAGE


def _slot_bytes(batch: int, rows: RowRange) -> int:
    return _head_bytes(batch) + batch * rows.byte_count
