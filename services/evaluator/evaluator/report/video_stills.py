"""Stills of a film, for those who read on paper."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import av
import matplotlib.image
import numpy as np
from numpy.typing import NDArray

from contract.errors import ModelError

COUNT: Final = 6
COLUMNS: Final = 3
GAP: Final = 8
"""Pixels between two."""

Picture = NDArray[np.uint8]


def sheet(film: Path, path: Path) -> list[float]:
    """Write a sheet of pictures from a film, evenly apart; return their times, seconds.

    Raises:
        ModelError: the film cannot be read.
    """
    try:
        pictures, times = _pictures(film)
    except (av.FFmpegError, OSError) as error:
        raise ModelError(
            f"{film.name} is no film that can be shown", got=error, remedy="Have it driven anew"
        ) from error
    if not pictures:
        raise ModelError(f"{film.name} is a film of no pictures", remedy="Have it driven anew")
    high, wide, _ = pictures[0].shape
    rows = -(-len(pictures) // COLUMNS)
    columns = min(len(pictures), COLUMNS)
    size = (rows * (high + GAP) - GAP, columns * (wide + GAP) - GAP, 3)
    whole: Picture = np.full(size, 255, np.uint8)
    for number, picture in enumerate(pictures):
        top, left = number // COLUMNS * (high + GAP), number % COLUMNS * (wide + GAP)
        whole[top : top + high, left : left + wide] = picture
    matplotlib.image.imsave(path, whole)
    return times


def _pictures(film: Path) -> tuple[list[Picture], list[float]]:
    """Return up to COUNT pictures, (H, W, 3) RGB, of the middles of as many equal parts.

    Half as high and wide as the film.
    """
    with av.open(str(film)) as container:
        stream = container.streams.video[0]
        count = stream.frames or sum(1 for _ in container.decode(stream))
    wanted = {int((part + 0.5) * count / COUNT) for part in range(COUNT)}
    pictures: list[Picture] = []
    times: list[float] = []
    with av.open(str(film)) as container:
        for number, frame in enumerate(container.decode(video=0)):
            if number in wanted:
                pictures.append(_halved(np.asarray(frame.to_ndarray(format="rgb24"), np.uint8)))
                times.append(float(frame.time or 0.0))
    return pictures, times


def _halved(picture: Picture) -> Picture:
    high, wide = (size // 2 for size in picture.shape[:2])
    blocks = picture[: 2 * high, : 2 * wide].reshape(high, 2, wide, 2, 3)
    return np.asarray(blocks.mean(axis=(1, 3)).round(), dtype=np.uint8)
