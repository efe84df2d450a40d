"""The one encoder: H.264 in MP4, which any browser plays, whole under its name or not at all."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Final, Self

import av
from av.container import OutputContainer
from av.video.stream import VideoStream

from contract import atomic_files
from contract.errors import RecordingError, SettingError

# Of what the preset saves, these two are worth their price: a tenth of the speed for a sixth of the
# file and 1 dB.
ENCODER: Final = {
    "preset": "ultrafast",
    "crf": "30",
    "x264-params": "cabac=1:no-deblock=0:deblock=0,0",
}


class Mp4:
    """Writes a film; it appears under its name when the with-block ends well.

    Args:
        path: of the film, .mp4; what was there is replaced.
        height: of its pictures, in pixels; even, as H.264 wants it.
        width: the same.
        frame_rate: pictures a second.

    Raises:
        SettingError: the path is no .mp4, or there are no pictures a second.
        RecordingError: at the end, when nothing was added.
    """

    def __init__(self, path: Path, height: int, width: int, frame_rate: int) -> None:
        if path.suffix != ".mp4":
            raise SettingError("a film is an .mp4", got=path, remedy="Name it so")
        if frame_rate < 1:
            raise SettingError("a film needs pictures", got=frame_rate, remedy="15 is usual")
        self._path = path
        self._part = atomic_files.temporary_path(path)
        self._height, self._width = height, width
        self._frame_rate = frame_rate
        self._count = 0
        self._container: OutputContainer
        self._stream: VideoStream

    def __enter__(self) -> Self:
        # The index comes first, so that a browser can begin before it has all.
        self._container = av.open(str(self._part), "w", options={"movflags": "faststart"})
        self._stream = self._container.add_stream("libx264", rate=self._frame_rate, options=ENCODER)
        self._stream.height, self._stream.width = self._height, self._width
        self._stream.pix_fmt = "yuv420p"
        self._stream.codec_context.gop_size = 5 * self._frame_rate  # to jump about in it
        # Whatever makes the pictures needs the other cores.
        self._stream.codec_context.thread_count = 1
        return self

    def add(self, frame: av.VideoFrame) -> None:
        """Append a picture, of the film's size and in yuv420p."""
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
                raise RecordingError("a film of no pictures", got=self._path)
            if kind is None:
                atomic_files.fsync(self._part)
                atomic_files.rename(self._part, self._path)
        finally:
            self._part.unlink(missing_ok=True)
