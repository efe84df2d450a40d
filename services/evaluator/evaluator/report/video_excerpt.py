"""Makes a video faster and smaller, so that a page can embed it."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Final

import av

from contract.errors import ModelError

SPEED_UP: Final = 3
"""Factor of the speed: every third frame is kept."""
FRAMES_PER_S: Final = 15
ENCODER_OPTIONS: Final = {"preset": "veryfast", "crf": "30", "x264-params": "weightp=0:mbtree=0"}
"""Options of x264; with weightp and mbtree on, the same video gave different bytes each time."""


def write_excerpt(video: Path, path: Path) -> None:
    """Write a video at SPEED_UP times the speed and half the width and height.

    Raises:
        ModelError: the video cannot be read.
    """
    try:
        with (
            av.open(str(video)) as source,
            av.open(str(path), "w", options={"movflags": "faststart"}) as target,
        ):
            video_stream = source.streams.video[0]
            stream = target.add_stream("libx264", rate=FRAMES_PER_S, options=ENCODER_OPTIONS)
            stream.width, stream.height = (
                size // 4 * 2 for size in (video_stream.width, video_stream.height)
            )
            stream.pix_fmt = "yuv420p"
            stream.codec_context.thread_count = 1
            for number, frame in enumerate(source.decode(video_stream)):
                if number % SPEED_UP == 0:
                    small_frame = frame.reformat(stream.width, stream.height, "yuv420p")
                    small_frame.pts, small_frame.time_base = (
                        number // SPEED_UP,
                        Fraction(1, FRAMES_PER_S),
                    )
                    target.mux(stream.encode(small_frame))
            target.mux(stream.encode(None))
    except (av.FFmpegError, OSError) as error:
        raise ModelError(
            f"the video {video.name} cannot be read", got=error, remedy="Evaluate the version again"
        ) from error
