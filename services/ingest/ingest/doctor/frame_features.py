"""Measures every image of a recording once, on all cores, and keeps features instead of pixels.

A worker takes a chunk of rows and the row before it, so memory does not grow with the recording.
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
from ingest.doctor.phase_correlation import (
    HORIZON_ROWS,
    ROAD_ROWS,
    GreyBand,
    crop_band,
    measure_shift,
    shift_to_yaw,
)
from ingest.doctor.recording_arrays import MIN_PEAK, Floats, FrameFeatures, ImageFault

CHUNK_ROWS: Final = 64
"""Number of rows that a worker takes at a time."""
SIDE_STRIDE: Final = 4
"""The side cameras are compared in every fourth row only, because they do not move."""
MAX_BYTES: Final = 16 << 20
"""Larger files are not read, as in ingest."""
CELL_PX: Final = 8
"""Width of the squares of the prepared frame that are averaged before two rows are compared."""


@dataclass(frozen=True)
class _ImageFeatures:
    """Features of one image."""

    size: tuple[int, int]
    digest: int
    horizon: GreyBand | None
    road: GreyBand | None
    cells: NDArray[np.float32]


def measure_frames(
    rows: Sequence[Row],
    images: Mapping[str, Path],
    executor: Executor,
    on_progress: Callable[[int], None] = lambda rows: None,
) -> FrameFeatures:
    """Measure the images of all rows.

    Args:
        rows: rows of one or three cameras. Features of a camera that a row lacks are unknown.
        images: paths of the recording's images by file name.
        executor: a pool of threads. Decoding and correlating release the interpreter's lock.
        on_progress: is called with the number of rows that are done.
    """
    starts = range(0, len(rows), CHUNK_ROWS)
    cameras = max(len(row.images) for row in rows)

    def measure(start: int) -> FrameFeatures:
        chunk = rows[max(0, start - 1) : start + CHUNK_ROWS]
        return _measure_chunk(chunk, images, start, cameras)

    chunks = []
    for start, chunk in zip(starts, executor.map(measure, starts), strict=True):
        chunks.append(chunk)
        on_progress(min(start + CHUNK_ROWS, len(rows)))
    return FrameFeatures(
        [fault for chunk in chunks for fault in chunk.faults],
        *(
            np.concatenate([getattr(chunk, name) for chunk in chunks])
            for name in ("sizes", "digests", "yaw_rad", "side_px", "change", "alike")
        ),
    )


def _measure_chunk(
    rows: Sequence[Row], images: Mapping[str, Path], start: int, cameras: int
) -> FrameFeatures:
    """Measure a chunk. Unless `start` is 0, its first row only serves to compare the second."""
    count = len(rows)
    faults: list[ImageFault] = []
    sizes = np.zeros((count, cameras, 2), dtype=np.int64)
    digests = np.zeros((count, cameras), dtype=np.uint64)
    yaw, change, alike = np.full((3, count, cameras), np.nan)
    side: Floats = np.full((count, 2), np.nan)
    previous: list[_ImageFeatures | None] = [None] * cameras
    skipped = 0 if start == 0 else 1
    for index, row in enumerate(rows):
        row_faults = faults if index >= skipped else []
        current = [_measure_image(row, name, images, row_faults) for name in row.images]
        current += [None] * (cameras - len(current))
        for camera, (last, now) in enumerate(zip(previous, current, strict=True)):
            if now is not None:
                sizes[index, camera], digests[index, camera] = now.size, now.digest
            if last is not None and now is not None:
                shift, peak = measure_shift(last.horizon, now.horizon)
                alike[index, camera] = peak
                yaw[index, camera] = shift_to_yaw(shift) if peak > MIN_PEAK else np.nan
                change[index, camera] = np.abs(now.cells - last.cells).mean()
        if cameras > 1 and (start + index) % SIDE_STRIDE == 0:
            side[index] = _measure_side_shifts(current)
        previous = current
    return FrameFeatures(
        faults,
        sizes[skipped:],
        digests[skipped:],
        yaw[skipped:],
        side[skipped:],
        change[skipped:],
        alike[skipped:],
    )


def _measure_image(
    row: Row, name: str, images: Mapping[str, Path], faults: list[ImageFault]
) -> _ImageFeatures | None:
    """Measure one image. If it cannot be read, add a fault and return None."""
    path = images.get(name)
    if path is None:
        faults.append(ImageFault(row.line, name, True, "there is no such file"))
        return None
    try:
        if path.stat().st_size > MAX_BYTES:
            faults.append(ImageFault(row.line, name, False, "the file is too large"))
            return None
        content = path.read_bytes()
        pixels = preprocess.decode_image(content)
    except OSError as error:
        faults.append(ImageFault(row.line, name, False, error.strerror or str(error)))
        return None
    except FrameError as error:
        faults.append(ImageFault(row.line, name, False, error.what))
        return None
    grey = _to_grey(pixels)
    small = _to_grey(preprocess.resize(pixels)).astype(np.float32)
    count = spec.HEIGHT // CELL_PX
    return _ImageFeatures(
        (pixels.shape[0], pixels.shape[1]),
        int.from_bytes(hashlib.blake2b(content, digest_size=8).digest(), "big") or 1,
        crop_band(grey, HORIZON_ROWS),
        crop_band(grey, ROAD_ROWS),
        small.reshape(count, CELL_PX, count, CELL_PX).mean(axis=(1, 3)),
    )


def _to_grey(pixels: preprocess.Frame) -> NDArray[np.uint8]:
    return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY), dtype=np.uint8)


def _measure_side_shifts(images: Sequence[_ImageFeatures | None]) -> tuple[float, float]:
    """Return the shift of the road from left to centre and from centre to right, in pixels."""
    center, left, right = (image.road if image is not None else None for image in images)
    return measure_shift(left, center)[0], measure_shift(center, right)[0]
