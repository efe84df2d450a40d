"""A film made quicker and smaller, so that a page may carry it."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Final

import av

from contract.errors import ModelError

QUICKER: Final = 3
"""Times the speed: every third picture is kept."""
RATE: Final = 15
"""Pictures a second."""
ENCODER: Final = {"preset": "veryfast", "crf": "30", "x264-params": "weightp=0:mbtree=0"}
"""With the two that are off here, the bytes of one film differed from run to run."""


def digest(film: Path, path: Path) -> None:
    """Write a film at QUICKER times the speed and half the size.

    Raises:
        ModelError: the film cannot be read.
    """
    try:
        with (
            av.open(str(film)) as source,
            av.open(str(path), "w", options={"movflags": "faststart"}) as target,
        ):
            whole = source.streams.video[0]
            stream = target.add_stream("libx264", rate=RATE, options=ENCODER)
            stream.width, stream.height = (size // 4 * 2 for size in (whole.width, whole.height))
            stream.pix_fmt = "yuv420p"
            stream.codec_context.thread_count = 1
            for number, frame in enumerate(source.decode(whole)):
                if number % QUICKER == 0:
                    small = frame.reformat(stream.width, stream.height, "yuv420p")
                    small.pts, small.time_base = number // QUICKER, Fraction(1, RATE)
                    target.mux(stream.encode(small))
            target.mux(stream.encode(None))
    except (av.FFmpegError, OSError) as error:
        raise ModelError(
            f"{film.name} is no film that can be shown", got=error, remedy="Have it driven anew"
        ) from error
