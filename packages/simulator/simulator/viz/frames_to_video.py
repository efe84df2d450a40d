"""Makes a film of a drive: the centre camera's frames, one after the other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import av
from av.video.codeccontext import VideoCodecContext

from contract.errors import RecordingError
from simulator.viz.video_writer import Mp4

MOST_PIXELS: Final = 4_000_000
"""Of a picture; what claims to be larger is no frame of a drive."""


@dataclass(frozen=True)
class Made:
    """A film, and what it is of."""

    path: Path
    pictures: int
    left_out: int
    """Pictures that cannot be decoded."""
    seconds: float
    """That it plays."""


def video(
    pictures: Sequence[Path],
    out: Path,
    frame_rate: int = 60,
    told: Callable[[float], None] = lambda share: None,
) -> Made:
    """Write an MP4 of JPEG files; nothing is left of one that fails or is interrupted.

    Args:
        pictures: in their order; the first that can be decoded gives the film its size.
        out: the film, .mp4; what was there is replaced.
        frame_rate: pictures a second.
        told: is told the share that is done, 0..1.

    Raises:
        RecordingError: no picture can be decoded, or the film cannot be written.
        SettingError: `out` is no .mp4.
    """
    first = next((number for number, path in enumerate(pictures) if _decoded(path)), None)
    if first is None:
        raise RecordingError(
            "no picture can be decoded",
            got=f"{len(pictures)} in {pictures[0].parent}" if pictures else "none",
            remedy="Name a folder of JPEGs, or a recording",
        )
    sample = _decoded(pictures[first])
    assert sample is not None
    height, width = sample.height // 2 * 2, sample.width // 2 * 2
    made = 0
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with Mp4(out, height, width, frame_rate) as film:
            for number, path in enumerate(pictures):
                frame = _decoded(path)
                if frame is not None:
                    film.add(frame.reformat(width=width, height=height, format="yuv420p"))
                    made += 1
                told((number + 1) / len(pictures))
    except OSError as error:
        raise RecordingError(
            "the film cannot be written", got=error, remedy="Name another file: --out FILE.mp4"
        ) from error
    return Made(out, made, len(pictures) - made, made / frame_rate)


def _decoded(path: Path) -> av.VideoFrame | None:
    """Return a JPEG's picture, or None where it is none."""
    decoder = av.CodecContext.create("mjpeg", "r")
    assert isinstance(decoder, VideoCodecContext)
    decoder.options = {"max_pixels": str(MOST_PIXELS)}
    try:
        # A decoder of its own each: one that met a bad picture may be left in any state.
        frames = decoder.decode(av.Packet(path.read_bytes()))
    except (av.FFmpegError, FileNotFoundError):
        return None
    if not frames:
        return None
    frames[0].pts = None  # the encoder counts them
    return frames[0]
