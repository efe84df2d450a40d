"""Decodes the images of a recording on all cores, and returns them in the order of the rows."""

from __future__ import annotations

import errno
import hashlib
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import Final

from contract.errors import FrameError
from contract.files import regular_files
from contract.frames import preprocess
from contract.frames.preprocess import Frame
from contract.recordings.archive import MAX_IMAGE_BYTES
from contract.recordings.driving_log import Rejection, Row
from contract.vehicle import CAMERA_NAMES

ROWS_PER_TASK: Final = 8
"""Number of rows that a thread decodes without handing over. To hand over a row alone takes a tenth
of the time of decoding it, and takes it from both sides."""
TASKS_PER_THREAD: Final = 4
"""Number of tasks that are decoded ahead for each thread. It limits the memory of a thread to a few
megabytes."""

Result = tuple[Row, list[Frame]] | Rejection
"""A row with its prepared frames, or the reason why it is rejected."""


def decode(
    rows: Iterable[Row],
    images: Mapping[str, Path],
    executor: ThreadPoolExecutor,
    threads: int,
    digests: dict[str, bytes],
) -> Iterator[Result]:
    """Yield, in order, each row with its prepared frames, or the reason why it is rejected.

    A row is rejected if any of its images is bad: if one row of many lacks a side camera, this is a
    fault of the recording and not a choice of the driver. Threads are enough, because decoding,
    resizing and hashing release the interpreter's lock. Each image is read only once.

    Args:
        rows: the rows of the log.
        images: paths of the recording's images by file name.
        executor: the pool of threads.
        threads: number of its threads.
        digests: receives the sha256 of each image by its name.
    """
    remaining = iter(rows)
    tasks = iter(lambda: list(islice(remaining, ROWS_PER_TASK)), [])
    pending: deque[Future[list[Result]]] = deque()

    def submit(count: int) -> None:
        pending.extend(
            executor.submit(_prepare_all, task, images, digests) for task in islice(tasks, count)
        )

    submit(TASKS_PER_THREAD * threads)
    try:
        while pending:
            results = pending.popleft().result()
            submit(1)
            yield from results
    finally:
        for future in pending:
            future.cancel()


def _prepare_all(
    rows: Sequence[Row], images: Mapping[str, Path], digests: dict[str, bytes]
) -> list[Result]:
    return [_prepare(row, images, digests) for row in rows]


def _prepare(row: Row, images: Mapping[str, Path], digests: dict[str, bytes]) -> Result:
    frames = []
    for camera, name in zip(CAMERA_NAMES, row.images, strict=False):
        path = images.get(name)
        if path is None:
            return Rejection(row.line, camera, "image is missing", name)
        try:
            content = regular_files.read(path, MAX_IMAGE_BYTES)
            digests[name] = hashlib.sha256(content).digest()
            frames.append(preprocess.resize(preprocess.decode_image(content)))
        except OSError as error:
            too_large = error.errno == errno.EFBIG
            reason = "image file is too large" if too_large else "image cannot be read"
            return Rejection(row.line, camera, reason, f"{name}: {error.strerror}")
        except FrameError as error:
            return Rejection(row.line, camera, error.what, f"{name}: {error.got}")
    return row, frames
