"""The stream: reader processes hand whole batches of the store to the network, in order.

    trainer  ──numbers of a batch's samples──▶  reader 1..n   (own handles on the stores)
             ◀──numbers, labels and frames───

A bounded process queue in each direction: the trainer asks ahead for as many batches as may wait,
never for more. A batch's labels and frames travel in one message, with the numbers that were asked
for, so they cannot part. Batches come back in the order of the asking, whoever read them, so the
order depends on neither the number of readers nor their timing. Nothing but the pipes connects the
processes: when either side dies, however it dies, the kernel closes them and the other side knows.
"""

from __future__ import annotations

import multiprocessing
import signal
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Final, Self

import numpy as np
import numpy.typing as npt

from contract.errors import LapwingError, TrainingError
from contract.store import FRAME_BYTES, FRAME_SHAPE, StoreManifest, StoreReader, open_store

HEADER: Final = np.dtype([("failed", "<i8"), ("count", "<i8")])
SHUTDOWN_S: Final = 5.0
MOST_AHEAD: Final = 8192
"""Samples asked for and not yet answered, at most. Their requests (64 kB) fit into a pipe's buffer:
the trainer never blocks on asking a reader that blocks on answering."""

Samples = npt.NDArray[np.void]
"""Of trainer.index.SAMPLE."""
Frames = npt.NDArray[np.uint8]
Labels = npt.NDArray[np.float32]
Numbers = npt.NDArray[np.int64]


class Stream:
    """Reader processes over the stores of a job; use it in `with`.

    Args:
        data_dir: the data volume.
        manifests: the stores that `samples["store"]` numbers.
        samples: what may be asked for.
        readers: how many processes.
        queue_bytes: bound on what waits to be trained on, all readers together; at least one batch
            a reader is asked for ahead, whatever the bound.
    """

    def __init__(
        self,
        data_dir: Path,
        manifests: Sequence[StoreManifest],
        samples: Samples,
        *,
        readers: int,
        queue_bytes: int,
    ) -> None:
        self._queue_bytes = min(queue_bytes, MOST_AHEAD * FRAME_BYTES)
        self._pipes: list[Connection] = []
        self._processes: list[multiprocessing.process.BaseProcess] = []
        context = multiprocessing.get_context("spawn")
        for number in range(readers):
            ours, theirs = context.Pipe()
            process = context.Process(
                target=_read,
                args=(theirs, data_dir, list(manifests), samples),
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

    def batches(self, asked: Iterable[Numbers]) -> Iterator[tuple[Numbers, Frames, Labels]]:
        """Yield each batch that is asked for, in that order; to be exhausted.

        Yields the sample numbers, frames uint8 (n, 128, 128, 3) and labels float32 (n,).

        Raises:
            TrainingError: a reader failed or died; its reason is in the message.
        """
        requests = iter(asked)
        waiting: deque[tuple[int, Numbers]] = deque()
        turn = 0

        def ask() -> int:
            nonlocal turn
            numbers = next(requests, None)
            if numbers is None:
                return 0
            self._send(turn, numbers)
            waiting.append((turn, numbers))
            turn = (turn + 1) % len(self._pipes)
            return len(numbers) * FRAME_BYTES

        ahead = ask()
        while waiting and (ahead < self._queue_bytes or len(waiting) < len(self._pipes)):
            size = ask()
            if not size:
                break
            ahead += size
        while waiting:
            reader, numbers = waiting.popleft()
            batch = self._receive(reader, numbers)
            ask()
            yield batch

    def _send(self, reader: int, numbers: Numbers) -> None:
        try:
            self._pipes[reader].send_bytes(numbers.tobytes())
        except OSError as error:
            raise self._death(reader) from error

    def _receive(self, reader: int, numbers: Numbers) -> tuple[Numbers, Frames, Labels]:
        pipe = self._pipes[reader]
        wait([pipe, self._processes[reader].sentinel])
        try:
            message = pipe.recv_bytes()
        except (EOFError, OSError) as error:
            raise self._death(reader) from error
        header = np.frombuffer(message, HEADER, count=1)[0]
        if header["failed"]:
            raise TrainingError(
                f"reader {reader} failed", got=bytes(message[HEADER.itemsize :]).decode()
            )
        echoed, labels, frames = _unpack(message, int(header["count"]))
        if not np.array_equal(echoed, numbers):
            raise TrainingError(f"reader {reader} answered with another batch than was asked for")
        return echoed, frames, labels

    def _death(self, reader: int) -> TrainingError:
        process = self._processes[reader]
        process.join(SHUTDOWN_S)
        return TrainingError(
            f"reader {reader} died",
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

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()


def _read(
    pipe: Connection, data_dir: Path, manifests: list[StoreManifest], samples: Samples
) -> None:
    """Answer requests until the trainer closes its end: the body of a reader process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the trainer's; it closes the pipe
    stores: list[StoreReader] = []
    try:
        stores = [open_store(data_dir, manifest) for manifest in manifests]
        while True:
            numbers = np.frombuffer(pipe.recv_bytes(), np.int64)
            pipe.send_bytes(_pack(numbers, samples[numbers], stores).data)
    except (EOFError, BrokenPipeError, ConnectionResetError):
        return  # the trainer is done, or dead
    except LapwingError as error:
        pipe.send_bytes(np.array([(1, 0)], HEADER).tobytes() + str(error).encode())
    finally:
        for store in stores:
            store.close()


def _pack(numbers: Numbers, samples: Samples, stores: Sequence[StoreReader]) -> Frames:
    """Lay out a message: header, numbers, labels, frames."""
    count = len(numbers)
    message = np.empty(HEADER.itemsize + count * (8 + 4 + FRAME_BYTES), dtype=np.uint8)
    message[: HEADER.itemsize] = np.array([(0, count)], HEADER).view(np.uint8)
    echoed, labels, frames = _unpack(message, count)
    echoed[:], labels[:] = numbers, samples["label"]
    for store in np.unique(samples["store"]):
        mine = np.flatnonzero(samples["store"] == store)
        if len(mine) == count:
            stores[store].gather(samples["frame"], frames)
        else:
            part = np.empty((len(mine), *FRAME_SHAPE), dtype=np.uint8)
            stores[store].gather(samples["frame"][mine], part)
            frames[mine] = part
    for mirrored in np.flatnonzero(samples["flip"]):
        frames[mirrored] = frames[mirrored, :, ::-1].copy()
    return message


def _unpack(message: bytes | Frames, count: int) -> tuple[Numbers, Labels, Frames]:
    """Return views of a message's numbers, labels and frames."""
    at = HEADER.itemsize
    numbers = np.frombuffer(message, np.int64, count, at)
    labels = np.frombuffer(message, np.float32, count, at + 8 * count)
    frames = np.frombuffer(message, np.uint8, count * FRAME_BYTES, at + 12 * count)
    return numbers, labels, frames.reshape(count, *FRAME_SHAPE)
