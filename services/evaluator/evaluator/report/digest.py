"""A film made quicker and smaller, so that a page may carry it."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Final

import av
import numpy as np
from numpy.typing import NDArray

from contract.errors import ModelError

QUICKER: Final = 3
"""Times the speed: every third picture is kept."""
RATE: Final = 15
"""Pictures a second."""
ENCODER: Final = {"preset": "veryfast", "crf": "30"}
"""A lap of lake, 13 MB for half of it as the simulator films it, then takes about 2 MB."""


Planes = NDArray[np.uint8]


def digest(film: Path, path: Path) -> None:
    """Write a film at QUICKER times the speed and half the size.

    Raises:
        ModelError: the film cannot be read.
    """
    try:
        with av.open(str(film)) as source, av.open(
            str(path), "w", options={"movflags": "faststart"}
        ) as target:  # fmt: skip
            whole = source.streams.video[0]
            stream = target.add_stream("libx264", rate=RATE, options=ENCODER)
            stream.width, stream.height = (size // 4 * 2 for size in (whole.width, whole.height))
            stream.pix_fmt = "yuv420p"
            stream.codec_context.thread_count = 1
            for number, frame in enumerate(source.decode(whole)):
                if number % QUICKER == 0:
                    planes = np.asarray(frame.to_ndarray(format="yuv420p"), np.uint8)
                    small = av.VideoFrame.from_ndarray(halved(planes), format="yuv420p")
                    small.pts, small.time_base = number // QUICKER, Fraction(1, RATE)
                    target.mux(stream.encode(small))
            target.mux(stream.encode(None))
    except (av.FFmpegError, OSError) as error:
        raise ModelError(
            f"{film.name} is no film that can be shown", got=error, remedy="Have it driven anew"
        ) from error


def halved(planes: Planes) -> Planes:
    """Return the planes of a picture of half the size, each pixel the mean of four.

    Not FFmpeg's own scaler, which was seen to make other bytes of the same picture.

    Args:
        planes: (3 H / 2, W), of yuv420p: the luma, then the two of H / 2 x W / 2, one after the
            other. What is beyond a multiple of 4 is cut off.
    """
    high, wide = planes.shape[0] * 2 // 3, planes.shape[1]
    colours = planes[high:].reshape(2, high // 2, wide // 2)
    tall, broad = high // 4 * 4, wide // 4 * 4
    found = [
        plane.reshape(plane.shape[0] // 2, 2, plane.shape[1] // 2, 2).mean(axis=(1, 3)).round()
        for plane in (planes[:tall, :broad], *colours[:, : tall // 2, : broad // 2])
    ]
    packed = np.concatenate([plane.ravel() for plane in found]).astype(np.uint8)
    return packed.reshape(-1, broad // 2)
