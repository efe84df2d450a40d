"""Makes a video of the frames of a recorded drive."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import av
from av.video.codeccontext import VideoCodecContext

from contract.errors import RecordingError
from contract.files import file_access
from simulator.viz.video_writer import Mp4Writer

MAX_PIXELS: Final = 4_000_000
"""Largest number of pixels of a picture; a larger one is not a frame of a drive."""


@dataclass(frozen=True)
class VideoSummary:
    """A finished video and its contents."""

    path: Path
    pictures: int
    """Number of pictures in the video."""
    left_out: int
    """Number of files that could not be decoded."""
    seconds: float
    """Playing time."""


def encode_frames(
    frame_paths: Sequence[Path],
    out: Path,
    frame_rate: int = 60,
    on_progress: Callable[[float], None] = lambda share: None,
) -> VideoSummary:
    """Write a video of JPEG files; an interruption or an error leaves no file.

    Args:
        frame_paths: JPEG files in their order; the first that can be decoded decides the size.
        out: Path of the video, .mp4; an older file is replaced.
        frame_rate: Pictures a second.
        on_progress: Function that is called with the share that is done, 0..1.

    Raises:
        RecordingError: No file can be decoded, or the video cannot be written.
        SettingError: The path does not end in .mp4.
    """
    sample = next((frame for frame in map(_decode, frame_paths) if frame is not None), None)
    if sample is None:
        raise RecordingError(
            "no picture can be decoded",
            got=f"{len(frame_paths)} files in {frame_paths[0].parent}" if frame_paths else "none",
            remedy="Name the folder of a recording, or a folder of JPEG files",
        )
    height, width = sample.height // 2 * 2, sample.width // 2 * 2
    count = 0
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with Mp4Writer(out, height, width, frame_rate) as video:
            for number, path in enumerate(frame_paths):
                frame = _decode(path)
                if frame is not None:
                    video.add(frame.reformat(width=width, height=height, format="yuv420p"))
                    count += 1
                on_progress((number + 1) / len(frame_paths))
    except OSError as error:
        raise RecordingError(
            "the video cannot be written",
            got=error,
            remedy=file_access.remedy(error, "Name another file: --out FILE.mp4"),
        ) from error
    return VideoSummary(out, count, len(frame_paths) - count, count / frame_rate)


def _decode(path: Path) -> av.VideoFrame | None:
    """Return the picture of a JPEG file, or None if it cannot be decoded."""
    # Each file gets a new decoder: a damaged picture may leave a decoder in any state.
    decoder = av.CodecContext.create("mjpeg", "r")
    assert isinstance(decoder, VideoCodecContext)
    decoder.options = {"max_pixels": str(MAX_PIXELS)}
    try:
        frames = decoder.decode(av.Packet(path.read_bytes()))
    except (av.FFmpegError, FileNotFoundError):
        return None
    if not frames:
        return None
    frames[0].pts = None  # The encoder then numbers the frames itself.
    return frames[0]
