"""Looks at every picture of a recording once, on all cores, and keeps figures instead of pixels.

A worker takes a stretch of rows and the row before it; so memory does not grow with the recording.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from contract.errors import FrameError
from contract.frames import preprocess, spec
from contract.recordings.driving_log import Row
from ingest.doctor.phase_correlation import HORIZON, ROAD, Grey, band, shift, turn
from ingest.doctor.recording_arrays import TRUST, Fault, Floats, Pictures

STRETCH: Final = 64
"""Rows that a worker takes at a time."""
EVERY: Final = 4
"""The side cameras are compared in one row of so many: they do not move."""
MAX_BYTES: Final = 16 << 20
"""As ingest: larger files are not read."""
CELL: Final = 8
"""Pixels, across, of the prepared frame that are averaged before two rows are compared."""


@dataclass(frozen=True)
class _Seen:
    """One picture."""

    size: tuple[int, int]
    digest: int
    horizon: Grey | None
    road: Grey | None
    cells: NDArray[np.float32]


def look(
    rows: Sequence[Row],
    images: Mapping[str, Path],
    executor: Executor,
    told: Callable[[int], None] = lambda rows: None,
) -> Pictures:
    """Reduce the pictures of the rows to figures.

    Args:
        rows: all with as many cameras as the first one.
        images: of the recording, by file name.
        executor: of threads; decoding and correlating let go of the interpreter's lock.
        told: is told how many rows are done.
    """
    starts = range(0, len(rows), STRETCH)

    def stretch(start: int) -> Pictures:
        return _stretch(rows[max(0, start - 1) : start + STRETCH], images, start)

    parts = []
    for start, part in zip(starts, executor.map(stretch, starts), strict=True):
        parts.append(part)
        told(min(start + STRETCH, len(rows)))
    return Pictures(
        [fault for part in parts for fault in part.faults],
        *(
            np.concatenate([getattr(part, name) for part in parts])
            for name in ("sizes", "digests", "yaw_rad", "side_px", "change", "alike")
        ),
    )


def _stretch(rows: Sequence[Row], images: Mapping[str, Path], start: int) -> Pictures:
    """Reduce a stretch; its first row is only what the next is compared with, unless it is 0."""
    count, cameras = len(rows), len(rows[0].images)
    faults: list[Fault] = []
    sizes = np.zeros((count, cameras, 2), dtype=np.int64)
    digests = np.zeros((count, cameras), dtype=np.uint64)
    yaw, change, alike = np.full((3, count, cameras), np.nan)
    side: Floats = np.full((count, 2), np.nan)
    before: list[_Seen | None] = [None] * cameras
    skipped = 0 if start == 0 else 1
    for place, row in enumerate(rows):
        seen = [_see(row, name, images, faults if place >= skipped else []) for name in row.images]
        for camera, (last, now) in enumerate(zip(before, seen, strict=True)):
            if now is not None:
                sizes[place, camera], digests[place, camera] = now.size, now.digest
            if last is not None and now is not None:
                moved, peak = shift(last.horizon, now.horizon)
                alike[place, camera] = peak
                yaw[place, camera] = turn(moved) if peak > TRUST else np.nan
                change[place, camera] = np.abs(now.cells - last.cells).mean()
        if cameras > 1 and (start + place) % EVERY == 0:
            side[place] = _sides(seen)
        before = seen
    return Pictures(
        faults,
        sizes[skipped:],
        digests[skipped:],
        yaw[skipped:],
        side[skipped:],
        change[skipped:],
        alike[skipped:],
    )


def _see(row: Row, name: str, images: Mapping[str, Path], faults: list[Fault]) -> _Seen | None:
    path = images.get(name)
    if path is None:
        faults.append(Fault(row.line, name, True, "there is no such file"))
        return None
    try:
        if path.stat().st_size > MAX_BYTES:
            faults.append(Fault(row.line, name, False, "the file is too large"))
            return None
        content = path.read_bytes()
        pixels = preprocess.decode(content)
    except OSError as error:
        faults.append(Fault(row.line, name, False, error.strerror or str(error)))
        return None
    except FrameError as error:
        faults.append(Fault(row.line, name, False, error.what))
        return None
    grey = _grey(pixels)
    small = _grey(preprocess.resize(pixels)).astype(np.float32)
    count = spec.HEIGHT // CELL
    return _Seen(
        (pixels.shape[0], pixels.shape[1]),
        int.from_bytes(hashlib.blake2b(content, digest_size=8).digest(), "big") or 1,
        band(grey, HORIZON),
        band(grey, ROAD),
        small.reshape(count, CELL, count, CELL).mean(axis=(1, 3)),
    )


def _grey(pixels: preprocess.Frame) -> NDArray[np.uint8]:
    return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY), dtype=np.uint8)


def _sides(seen: Sequence[_Seen | None]) -> tuple[float, float]:
    center, left, right = (each.road if each is not None else None for each in seen)
    return shift(left, center)[0], shift(center, right)[0]
