"""Chooses moments of recordings at which the car drives straight on, and reads their images."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from contract.errors import FrameError, RecordingError
from contract.files import regular_files
from contract.frames import preprocess
from contract.recordings import archive, driving_log
from contract.vehicle import CAMERA_NAMES, IMAGE_HEIGHT, IMAGE_WIDTH

MIN_MPH: Final = 8.0
MAX_STEERING: Final = 0.1
"""Largest steering: in a sharper bend the car leans on its springs."""

Picture = NDArray[np.uint8]
Moment = tuple[Picture, ...]
"""Images of the centre, left and right camera, RGB (160, 320, 3) each."""


def read_moments(source: Path, count: int) -> list[Moment]:
    """Return moments that are spread evenly over the recordings of a folder or an archive.

    Args:
        source: Folder, zip or tar with recordings of three cameras.
        count: Maximum number of moments.

    Raises:
        RecordingError: The source has no such moment.
        FrameError: An image is broken, or is not from the simulator's cameras.
    """
    with (
        tempfile.TemporaryDirectory(prefix="lapwing-recording-") as scratch,
        archive.open_recordings(source, Path(scratch)) as recordings,
    ):
        rows = []
        for recording in recordings:
            log = recording.read()
            for row in driving_log.with_images(log, recording.images):
                straight = abs(row.steering) <= MAX_STEERING and row.speed_mph >= MIN_MPH
                if straight and len(row.images) == len(CAMERA_NAMES):
                    rows.append([recording.images[name] for name in row.images])
        if not rows:
            raise RecordingError(
                "the recording has no moment that tells how its cameras stand",
                got=source,
                remedy=f"Name one with the images of three cameras that drives straight on at "
                f"{MIN_MPH:g} mph or more",
            )
        chosen = np.linspace(0, len(rows) - 1, min(count, len(rows))).astype(int).tolist()
        return [tuple(_read_picture(path) for path in rows[number]) for number in chosen]


def _read_picture(path: Path) -> Picture:
    try:
        image = preprocess.decode_image(regular_files.read(path, archive.MAX_IMAGE_BYTES))
    except (FrameError, OSError) as error:
        raise FrameError(f"an image of the recording cannot be used: {path}", got=error) from error
    if image.shape[:2] != (IMAGE_HEIGHT, IMAGE_WIDTH):
        raise FrameError(
            f"{path} is not an image of the simulator",
            got=f"{image.shape[1]} x {image.shape[0]} pixels",
            remedy=f"Name a recording of {IMAGE_WIDTH} x {IMAGE_HEIGHT} pixels",
        )
    return np.asarray(image, dtype=np.uint8)
