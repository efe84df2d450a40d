"""Measures every image of a recording once, on all cores, and keeps features instead of pixels.

A worker takes a chunk of rows and the row before it, so memory does not grow with the recording.
"""

from __future__ import annotations

import errno
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
from contract.files import regular_files
from contract.frames import preprocess, spec
from contract.recordings.archive import MAX_IMAGE_BYTES
from contract.recordings.driving_log import Row
from ingest.doctor.phase_correlation import (
    HORIZON_ROWS,
    ROAD_ROWS,
    GreyBand,
    crop_band,
    crop_squeezed_band,
    measure_shift,
    shift_to_yaw,
)
from ingest.doctor.recording_arrays import MIN_PEAK, Floats, FrameFeatures, ImageFault

CHUNK_ROWS: Final = 64
"""Number of rows that a worker takes at a time."""
SIDE_STRIDE: Final = 4
"""The side cameras are compared in every fourth row only, because they do not move."""
CELL_PX: Final = 8
"""Width of the squares of the prepared frame that are averaged before two rows are compared."""


@dataclass(frozen=True)
class ImageFeatures:
    """Features of one image."""

    size: tuple[int, int]
    """Height and width in pixels; 0 and 0 if they are unknown."""
    digest: int
    """Digest of the bytes, which is not 0."""
    horizon: GreyBand | None
    road: GreyBand | None
    cells: NDArray[np.float32]
    """Mean grey level of each square of the prepared frame."""


MeasureImage = Callable[[int, int], ImageFeatures | ImageFault | None]
"""Returns the features of the image of a row and a camera, or what is wrong with it.

None stands for a camera without an image, which is no fault."""


def measure_frames(
    rows: Sequence[Row],
    images: Mapping[str, Path],
    executor: Executor,
    on_progress: Callable[[int], None] = lambda rows: None,
) -> FrameFeatures:
    """Measure the images of all rows of a recording.

    Args:
        rows: rows of one or three cameras. Features of a camera that a row lacks are unknown.
        images: paths of the recording's images by file name.
        executor: a pool of threads. Decoding and correlating release the interpreter's lock.
        on_progress: is called with the number of rows that are done.
    """

    def measure_image(row: int, camera: int) -> ImageFeatures | ImageFault | None:
        names = rows[row].images
        return _measure_file(rows[row], names[camera], images) if camera < len(names) else None

    cameras = max(len(row.images) for row in rows)
    return measure_rows(len(rows), cameras, measure_image, executor, on_progress)


def measure_rows(
    rows: int,
    cameras: int,
    measure_image: MeasureImage,
    executor: Executor,
    on_progress: Callable[[int], None] = lambda rows: None,
) -> FrameFeatures:
    """Measure the images of all rows, wherever they come from.

    Args:
        rows: number of rows.
        cameras: number of cameras of each row.
        measure_image: is called for each image, in several threads. It returns None if the row has
            no image of the camera.
        executor: a pool of threads.
        on_progress: is called with the number of rows that are done.
    """
    starts = range(0, rows, CHUNK_ROWS)

    def measure(start: int) -> FrameFeatures:
        return _measure_chunk(start, min(start + CHUNK_ROWS, rows), cameras, measure_image)

    chunks = []
    for start, chunk in zip(starts, executor.map(measure, starts), strict=True):
        chunks.append(chunk)
        on_progress(min(start + CHUNK_ROWS, rows))
    return FrameFeatures(
        [fault for chunk in chunks for fault in chunk.faults],
        *(
            np.concatenate([getattr(chunk, name) for chunk in chunks])
            for name in ("sizes", "digests", "yaw_rad", "side_px", "change", "alike")
        ),
    )


def _measure_chunk(
    start: int, end: int, cameras: int, measure_image: MeasureImage
) -> FrameFeatures:
    """Measure the rows from `start` to before `end`, and for comparison the row before them."""
    skipped = 0 if start == 0 else 1
    count = end - start + skipped
    faults: list[ImageFault] = []
    sizes = np.zeros((count, cameras, 2), dtype=np.int64)
    digests = np.zeros((count, cameras), dtype=np.uint64)
    yaw, change, alike = np.full((3, count, cameras), np.nan)
    side: Floats = np.full((count, 2), np.nan)
    previous: list[ImageFeatures | None] = [None] * cameras
    for index in range(count):
        row = start - skipped + index
        current: list[ImageFeatures | None] = []
        for camera in range(cameras):
            measured = measure_image(row, camera)
            if isinstance(measured, ImageFault):
                faults += [measured] if index >= skipped else []
                measured = None
            current.append(measured)
        for camera, (last, now) in enumerate(zip(previous, current, strict=True)):
            if now is not None:
                sizes[index, camera], digests[index, camera] = now.size, now.digest
            if last is not None and now is not None:
                shift, peak = measure_shift(last.horizon, now.horizon)
                alike[index, camera] = peak
                yaw[index, camera] = shift_to_yaw(shift) if peak > MIN_PEAK else np.nan
                change[index, camera] = np.abs(now.cells - last.cells).mean()
        if cameras > 1 and row % SIDE_STRIDE == 0:
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


def _measure_file(row: Row, name: str, images: Mapping[str, Path]) -> ImageFeatures | ImageFault:
    """Measure the image of a file."""
    path = images.get(name)
    if path is None:
        return ImageFault(row.line, name, True, "there is no such file")
    try:
        content = regular_files.read(path, MAX_IMAGE_BYTES)
        pixels = preprocess.decode_image(content)
    except OSError as error:
        too_large = error.errno == errno.EFBIG
        reason = "the file is too large" if too_large else error.strerror or str(error)
        return ImageFault(row.line, name, False, reason)
    except FrameError as error:
        return ImageFault(row.line, name, False, error.what)
    grey = _to_grey(pixels)
    return ImageFeatures(
        (pixels.shape[0], pixels.shape[1]),
        _digest(content),
        crop_band(grey, HORIZON_ROWS),
        crop_band(grey, ROAD_ROWS),
        _mean_cells(_to_grey(preprocess.resize(pixels))),
    )


def measure_prepared(pixels: preprocess.Frame) -> ImageFeatures:
    """Measure a frame as it is stored, uint8 (128, 128, 3).

    The bands are those of an image of 320 x 160 that was squeezed to the frame. The size of that
    image is unknown.
    """
    grey = _to_grey(pixels)
    return ImageFeatures(
        (0, 0),
        _digest(pixels.tobytes()),
        crop_squeezed_band(grey, HORIZON_ROWS),
        crop_squeezed_band(grey, ROAD_ROWS),
        _mean_cells(grey),
    )


def _digest(content: bytes) -> int:
    return int.from_bytes(hashlib.blake2b(content, digest_size=8).digest(), "big") or 1


def _mean_cells(grey: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return the mean grey level of each square of a prepared frame."""
    count = spec.HEIGHT // CELL_PX
    squares = grey.astype(np.float32).reshape(count, CELL_PX, count, CELL_PX)
    return np.asarray(squares.mean(axis=(1, 3)), dtype=np.float32)


def _to_grey(pixels: preprocess.Frame) -> NDArray[np.uint8]:
    return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY), dtype=np.uint8)


def _measure_side_shifts(images: Sequence[ImageFeatures | None]) -> tuple[float, float]:
    """Return the shift of the road from left to centre and from centre to right, in pixels."""
    center, left, right = (image.road if image is not None else None for image in images)
    return measure_shift(left, center)[0], measure_shift(center, right)[0]
