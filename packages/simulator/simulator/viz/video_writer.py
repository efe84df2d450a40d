"""Encodes videos as H.264 in MP4, which every browser plays."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Final, Self

import av
from av.container import OutputContainer
from av.video.stream import VideoStream

from contract.errors import RecordingError, SettingError
from contract.files import atomic_files

# The preset turns off these two features. Together they cost a tenth of the speed, and save a sixth
# of the file and 1 dB.
ENCODER_OPTIONS: Final = {
    "preset": "ultrafast",
    "crf": "30",
    "x264-params": "cabac=1:no-deblock=0:deblock=0,0",
}
KEYFRAME_INTERVAL_S: Final = 5


class Mp4Writer:
    """Writes a video, which appears under its name when the with-block ends without an error.

    Args:
        path: Path of the video, .mp4; an older file is replaced.
        height: Height in pixels; it must be even, as H.264 requires.
        width: Width in pixels; it must be even too.
        frame_rate: Pictures a second.

    Raises:
        SettingError: The path does not end in .mp4, or the frame rate is below 1.
        RecordingError: The with-block ended without any picture.
    """

    def __init__(self, path: Path, height: int, width: int, frame_rate: int) -> None:
        if path.suffix != ".mp4":
            raise SettingError(
                "the name of a video must end in .mp4",
                got=path,
                remedy="Name the file so, for example drive.mp4",
            )
        if frame_rate < 1:
            raise SettingError(
                "a video needs at least one picture a second",
                got=frame_rate,
                remedy="Set the frame rate to 1 or more; 15 is usual",
            )
        self._path = path
        self._part = atomic_files.temporary_path(path)
        self._height, self._width = height, width
        self._frame_rate = frame_rate
        self._count = 0
        self._container: OutputContainer
        self._stream: VideoStream

    def __enter__(self) -> Self:
        # The index comes first in the file, so that a browser can start before it has all of it.
        self._container = av.open(str(self._part), "w", options={"movflags": "faststart"})
        self._stream = self._container.add_stream(
            "libx264", rate=self._frame_rate, options=ENCODER_OPTIONS
        )
        self._stream.height, self._stream.width = self._height, self._width
        self._stream.pix_fmt = "yuv420p"
        # Key frames let a player jump to another time.
        self._stream.codec_context.gop_size = KEYFRAME_INTERVAL_S * self._frame_rate
        # The other cores are left to the code that makes the pictures.
        self._stream.codec_context.thread_count = 1
        return self

    def add(self, frame: av.VideoFrame) -> None:
        """Append a picture in the format yuv420p; it must have the size of the video."""
        self._container.mux(self._stream.encode(frame))
        self._count += 1

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            if kind is None and self._count:
                self._container.mux(self._stream.encode(None))
            self._container.close()
            if kind is None and not self._count:
                raise RecordingError("a video needs pictures", got=f"no pictures for {self._path}")
            if kind is None:
                atomic_files.fsync(self._part)
                atomic_files.rename(self._part, self._path)
        finally:
            self._part.unlink(missing_ok=True)
