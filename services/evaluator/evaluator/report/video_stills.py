"""Makes an image with stills of a video, for readers on paper."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import av
import matplotlib.image
import numpy as np
from numpy.typing import NDArray

from contract.errors import ModelError

STILL_COUNT: Final = 6
COLUMNS: Final = 3
GAP_PX: Final = 8
"""Distance between two stills."""

Image = NDArray[np.uint8]


def write_stills(video: Path, path: Path) -> list[float]:
    """Write an image with stills at even intervals; return their times, seconds.

    Raises:
        ModelError: the video cannot be read.
    """
    try:
        stills, times = _decode_stills(video)
    except (av.FFmpegError, OSError) as error:
        raise ModelError(
            f"the video {video.name} cannot be read", got=error, remedy="Evaluate the version again"
        ) from error
    if not stills:
        raise ModelError(
            f"the video {video.name} has no frames", remedy="Evaluate the version again"
        )
    height, width, _ = stills[0].shape
    rows = -(-len(stills) // COLUMNS)
    columns = min(len(stills), COLUMNS)
    size = (rows * (height + GAP_PX) - GAP_PX, columns * (width + GAP_PX) - GAP_PX, 3)
    sheet: Image = np.full(size, 255, np.uint8)
    for number, still in enumerate(stills):
        top, left = number // COLUMNS * (height + GAP_PX), number % COLUMNS * (width + GAP_PX)
        sheet[top : top + height, left : left + width] = still
    matplotlib.image.imsave(path, sheet)
    return times


def _decode_stills(video: Path) -> tuple[list[Image], list[float]]:
    """Return stills, RGB, and their times: one from the middle of each of STILL_COUNT equal parts.

    A still has half the height and width of the video, shape (height, width, 3).
    """
    with av.open(str(video)) as container:
        stream = container.streams.video[0]
        count = stream.frames or sum(1 for _ in container.decode(stream))
    numbers = {int((part + 0.5) * count / STILL_COUNT) for part in range(STILL_COUNT)}
    stills: list[Image] = []
    times: list[float] = []
    with av.open(str(video)) as container:
        for number, frame in enumerate(container.decode(video=0)):
            if number in numbers:
                stills.append(_halve(np.asarray(frame.to_ndarray(format="rgb24"), np.uint8)))
                times.append(float(frame.time or 0.0))
    return stills, times


def _halve(still: Image) -> Image:
    height, width = (size // 2 for size in still.shape[:2])
    blocks = still[: 2 * height, : 2 * width].reshape(height, 2, width, 2, 3)
    return np.asarray(blocks.mean(axis=(1, 3)).round(), dtype=np.uint8)
