"""The stream: reader processes fill slots of a ring, and the network takes them in order.

    trainer  ──number of a slot, its records written──▶  reader 1..n   (own handles on the stores)
             ◀──the slot is filled──────────────────────

The trainer hands out every free slot at once, in turn to each reader, and takes them back in the
same turn: the order of batches is that of the asking and depends on neither the number of readers
nor their timing. Nothing but pipes connects the processes, so when either side dies, however it
dies, the kernel closes them and the other side knows.
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
from trainer.data import loader_worker
from trainer.data.augmentation import Augmentation
from trainer.data.shared_memory import Records, Ring, slots

SHUTDOWN_S: Final = 5.0


class Batch(NamedTuple):
    """Samples that belong together; the frames are the ring's, and stay until the next is taken."""

    numbers: npt.NDArray[np.int64]
    frames: Frames
    labels: npt.NDArray[np.float32]


class Stream:
    """Reader processes over the stores of a job; use it in `with`.

    Args:
        places: of the stores' frames, as records number them.
        batch: samples that one holds at most.
        readers: how many processes.
        queue_bytes: bound on the memory that batches take, all readers together.
        augmentation: of the samples that have a key.
        held: batches that the taker may hold at a time: with 2, one batch's frames stay until the
            next but one is taken.

    Raises:
        TrainingError: the bound is too small for the batches, or there is not as much memory.
    """

    def __init__(
        self,
        places: Sequence[BlockLayout],
        *,
        batch: int,
        readers: int,
        queue_bytes: int,
        augmentation: Augmentation | None = None,
        held: int = 1,
    ) -> None:
        self._held = held
        self._ring = Ring(slots(queue_bytes, batch, held + 1), batch)
        self._free = deque(range(self._ring.count))
        self._asked: deque[tuple[int, int, int]] = deque()
        """Reader, slot and count of what was asked for and not yet taken."""
        self._pipes: list[Connection] = []
        self._processes: list[multiprocessing.process.BaseProcess] = []
        context = multiprocessing.get_context("spawn")
        for number in range(readers):
            ours, theirs = context.Pipe()
            process = context.Process(
                target=loader_worker.serve,
                args=(theirs, self._ring, list(places), augmentation or Augmentation()),
                name=f"reader-{number}",
                daemon=True,
            )
            process.start()
            theirs.close()  # else its end would stay open here, and a dead reader go unnoticed
            self._pipes.append(ours)
            self._processes.append(process)

    @property
    def processes(self) -> list[int]:
        """The process ids of the readers."""
        return [process.pid or 0 for process in self._processes]

    def batches(self, asked: Iterable[Records]) -> Iterator[Batch]:
        """Yield the samples of each batch of records that is asked for, in that order.

        Raises:
            TrainingError: a reader failed; its reason is in the message.
            ReaderDiedError: it was killed.
        """
        requests = iter(asked)
        handed: deque[int] = deque()
        turn = 0
        try:
            while True:
                while self._free and (records := next(requests, None)) is not None:
                    self._ask(turn, records)
                    turn = (turn + 1) % len(self._pipes)
                if not self._asked:
                    return
                number, slot, count = self._asked[0]
                self._await(number)
                self._asked.popleft()
                handed.append(slot)
                records = self._ring.records(slot)[:count]
                yield Batch(
                    records["number"].copy(),
                    self._ring.frames(slot)[:count],
                    records["label"].copy(),
                )
                if len(handed) == self._held:
                    self._free.append(handed.popleft())
        finally:
            # Of a stream that was left early: what was asked for still comes, and is let go.
            while self._asked and self._pipes:
                number, slot, _ = self._asked.popleft()
                self._await(number)
                self._free.append(slot)
            self._free.extend(handed)

    def _ask(self, number: int, records: Records) -> None:
        slot = self._free.popleft()
        self._ring.records(slot)[: len(records)] = records
        try:
            self._pipes[number].send_bytes(loader_worker.REQUEST.pack(slot, len(records)))
        except OSError as error:
            raise self._death(number) from error
        self._asked.append((number, slot, len(records)))

    def _await(self, number: int) -> None:
        """Wait until a reader has filled the slot that it was asked for first."""
        try:
            # Its end of the pipe is its own alone: when it dies, however it dies, this returns.
            answer = self._pipes[number].recv_bytes()
        except (EOFError, OSError) as error:
            raise self._death(number) from error
        if answer != loader_worker.DONE:
            self._asked.clear()
            raise TrainingError(f"reader {number} failed", got=answer[1:].decode())

    def _death(self, number: int) -> ReaderDiedError:
        self._asked.clear()
        process = self._processes[number]
        process.join(SHUTDOWN_S)
        return ReaderDiedError(
            f"reader {number} died",
            got=f"exit code {process.exitcode}",
            remedy="A negative code is a signal: -9 is often the memory limit",
        )

    def close(self) -> None:
        """End the readers: a closed pipe is their sign to leave."""
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
