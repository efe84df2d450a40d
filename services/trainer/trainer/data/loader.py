"""Loads batches: reader processes fill slots of memory, and the trainer takes them in order.

    trainer  ──number of a slot with its records──▶  reader 1..n (own handles on the stores)
             ◀──the slot is filled─────────────────

The trainer gives every free slot to a reader at once, taking turns, and takes the slots back in the
same turns. So the order of batches is the order of the requests, and depends on neither the number
of readers nor their timing. Only pipes connect the processes: when either side dies, in any way,
the kernel closes them and the other side notices.
"""

from __future__ import annotations

import multiprocessing
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from multiprocessing.connection import Connection
from typing import Final, NamedTuple, Self

import numpy as np
import numpy.typing as npt

from contract.dataset.frame_blocks import BlockLayout, Frames
from contract.errors import ReaderDiedError, TrainingError
from contract.frames.row_range import ALL_ROWS, RowRange
from trainer.data import loader_worker
from trainer.data.augmentation.variation import Augmentation
from trainer.data.shared_memory import BatchRing, Records, slot_count

SHUTDOWN_S: Final = 5.0


class Batch(NamedTuple):
    """A batch of samples; its frames are shared memory and stay valid until the next is taken."""

    numbers: npt.NDArray[np.int64]
    """(n,), numbers of the samples in the job's table."""
    frames: Frames
    """uint8 (n, rows, 128, 3), the rows that the loader reads."""
    labels: npt.NDArray[np.float32]


class DataLoader:
    """Runs reader processes over the stores of a job; use it in `with`.

    Args:
        stores: layout of each store, in the order in which records number them.
        batch: maximum number of samples in a batch.
        readers: number of processes.
        queue_bytes: limit on the memory of the batches of all readers together.
        rows: the rows of the frames that are loaded.
        augmentation: how the samples that have a key are varied.
        max_in_use: number of batches that may be in use at a time: with 2, the frames of a batch
            stay valid until the next but one is taken.

    Raises:
        TrainingError: the limit is too small for the batches, or there is too little memory.
    """

    def __init__(
        self,
        stores: Sequence[BlockLayout],
        *,
        batch: int,
        readers: int,
        queue_bytes: int,
        rows: RowRange = ALL_ROWS,
        augmentation: Augmentation | None = None,
        max_in_use: int = 1,
    ) -> None:
        self._max_in_use = max_in_use
        self._ring = BatchRing(slot_count(queue_bytes, batch, max_in_use + 1, rows), batch, rows)
        self._free = deque(range(self._ring.count))
        self._pending: deque[tuple[int, int, int]] = deque()
        """Reader, slot and count of each request whose batch was not taken yet."""
        self._pipes: list[Connection] = []
        self._processes: list[multiprocessing.process.BaseProcess] = []
        context = multiprocessing.get_context("spawn")
        for number in range(readers):
            ours, theirs = context.Pipe()
            process = context.Process(
                target=loader_worker.serve,
                args=(theirs, self._ring, list(stores), augmentation or Augmentation()),
                name=f"reader-{number}",
                daemon=True,
            )
            process.start()
            theirs.close()  # an end left open here would hide the death of a reader
            self._pipes.append(ours)
            self._processes.append(process)

    @property
    def processes(self) -> list[int]:
        """Process ids of the readers."""
        return [process.pid or 0 for process in self._processes]

    def batches(self, requests: Iterable[Records]) -> Iterator[Batch]:
        """Yield a batch for each request, in their order.

        Raises:
            TrainingError: a reader failed; the message gives its reason.
            ReaderDiedError: a reader was killed.
        """
        remaining = iter(requests)
        in_use: deque[int] = deque()
        turn = 0
        try:
            while True:
                while self._free and (records := next(remaining, None)) is not None:
                    self._request(turn, records)
                    turn = (turn + 1) % len(self._pipes)
                if not self._pending:
                    return
                number, slot, count = self._pending[0]
                self._await(number)
                self._pending.popleft()
                in_use.append(slot)
                records = self._ring.records(slot)[:count]
                yield Batch(
                    records["number"].copy(),
                    self._ring.frames(slot)[:count],
                    records["label"].copy(),
                )
                if len(in_use) == self._max_in_use:
                    self._free.append(in_use.popleft())
        finally:
            # If the caller stopped early, pending batches still arrive and are dropped.
            while self._pending and self._pipes:
                number, slot, _ = self._pending.popleft()
                self._await(number)
                self._free.append(slot)
            self._free.extend(in_use)

    def _request(self, number: int, records: Records) -> None:
        slot = self._free.popleft()
        self._ring.records(slot)[: len(records)] = records
        try:
            self._pipes[number].send_bytes(loader_worker.REQUEST.pack(slot, len(records)))
        except OSError as error:
            raise self._death(number) from error
        self._pending.append((number, slot, len(records)))

    def _await(self, number: int) -> None:
        """Wait until a reader has filled its oldest requested slot."""
        try:
            # Only the reader holds its end of the pipe, so this returns when the reader dies.
            reply = self._pipes[number].recv_bytes()
        except (EOFError, OSError) as error:
            raise self._death(number) from error
        if reply != loader_worker.DONE:
            self._pending.clear()
            raise TrainingError(f"reader {number} failed", got=reply[1:].decode())

    def _death(self, number: int) -> ReaderDiedError:
        self._pending.clear()
        process = self._processes[number]
        process.join(SHUTDOWN_S)
        return ReaderDiedError(
            f"reader {number} died",
            got=f"exit code {process.exitcode}",
            remedy="A negative code is a signal: -9 is often the memory limit",
        )

    def close(self) -> None:
        """Stop the readers, which end when their pipe is closed."""
        for pipe in self._pipes:
            pipe.close()
        for process in self._processes:
            process.join(SHUTDOWN_S)
            if process.is_alive():
                process.kill()
                process.join()
            process.close()
        self._pipes, self._processes = [], []
        self._ring.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()
