"""Decodes a recording's images on all cores, and hands them on in the order of the rows."""

from __future__ import annotations

import hashlib
import os
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import Final

from contract.errors import FrameError
from contract.frames import preprocess
from contract.frames.preprocess import Frame
from contract.recordings.driving_log import Rejection, Row
from contract.vehicle import CAMERA_NAMES

AHEAD: Final = 32
"""Rows in work a thread; bounds the memory to a few megabytes a thread."""
MAX_BYTES: Final = 16 << 20
"""Larger files are not read: no JPEG of contract.frames.preprocess.MAX_PIXELS needs as much."""


def decode(
    rows: Iterable[Row],
    images: Mapping[str, Path],
    executor: ThreadPoolExecutor,
    threads: int,
    digests: dict[str, bytes],
) -> Iterator[tuple[Row, list[Frame]] | Rejection]:
    """Yield each row with its prepared frames, or why it is refused, in order.

    A row is refused for any of its images: a missing side camera in one row of many is a fault of
    the recording, not a choice of the driver. Threads, not processes: decoding, resizing and
    hashing let go of the interpreter's lock. Each image is read once: its sha256 is put into
    `digests`, by its name.
    """
    waiting: deque[Future[tuple[Row, list[Frame]] | Rejection]] = deque()
    source = iter(rows)

    def submit(count: int) -> None:
        waiting.extend(
            executor.submit(_prepare, row, images, digests) for row in islice(source, count)
        )

    submit(AHEAD * threads)
    try:
        while waiting:
            done = waiting.popleft().result()
            submit(1)
            yield done
    finally:
        for future in waiting:
            future.cancel()


def _prepare(
    row: Row, images: Mapping[str, Path], digests: dict[str, bytes]
) -> tuple[Row, list[Frame]] | Rejection:
    frames = []
    for camera, name in zip(CAMERA_NAMES, row.images, strict=False):
        path = images.get(name)
        if path is None:
            return Rejection(row.line, camera, "image is missing", name)
        try:
            # Unbuffered, and its size asked of the open file: what pathlib adds to each of these is
            # spent under the interpreter's lock, where the other threads wait for it.
            with open(path, "rb", buffering=0) as file:  # noqa: PTH123
                if os.fstat(file.fileno()).st_size > MAX_BYTES:
                    return Rejection(row.line, camera, "image file is too large", name)
                content = file.readall()
            digests[name] = hashlib.sha256(content).digest()
            frames.append(preprocess.prepare(content))
        except OSError as error:
            return Rejection(row.line, camera, "image cannot be read", f"{name}: {error.strerror}")
        except FrameError as error:
            return Rejection(row.line, camera, error.what, f"{name}: {error.got}")
    return row, frames
