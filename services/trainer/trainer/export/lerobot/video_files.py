"""Writes the frames of one camera into MP4 files without loss, several episodes in a file."""

from __future__ import annotations

from pathlib import Path
from typing import Final, NamedTuple

import av
import numpy as np
import numpy.typing as npt
from av.container import OutputContainer
from av.video.stream import VideoStream

CODEC: Final = "libx264rgb"
"""H.264 of red, green and blue: converted to the usual YUV, frames would not be the same."""
PIXEL_FORMAT: Final = "gbrp"
OPTIONS: Final = {"preset": "veryfast", "qp": "0"}
KEYFRAME_INTERVAL: Final = 2
"""Number of frames from one key frame to the next, so that single frames are found fast."""
FILES_IN_CHUNK: Final = 1000


class Place(NamedTuple):
    """Where an episode lies in the files of a camera."""

    chunk: int
    file: int
    begin_s: float
    end_s: float


class VideoFiles:
    """Writes episode after episode; a file that has become large is followed by another.

    Args:
        folder: folder of the camera.
        fps: number of frames a second.
        side: height and width of a frame in pixels.
        max_bytes: size from which on a file gets no further episode.
        max_s: duration from which on it gets none. Readers compute times as float32, which no
            longer tells frames apart reliably in very long videos.
    """

    def __init__(
        self, folder: Path, fps: int, side: int, max_bytes: int = 200 << 20, max_s: float = 600.0
    ) -> None:
        self._folder, self._fps, self._side = folder, fps, side
        self._max_bytes, self._max_s = max_bytes, max_s
        self._files = 0
        self._frames = self._begin = 0
        self._container: OutputContainer | None = None
        self._stream: VideoStream
        self._path: Path

    def begin_episode(self) -> None:
        """Begin an episode, in a new file if the present one is full."""
        full = self._container is not None and (
            self._path.stat().st_size >= self._max_bytes or self._frames / self._fps >= self._max_s
        )
        if full:
            self.close()
        if self._container is None:
            self._open()
        self._begin = self._frames

    def add(self, frame: npt.NDArray[np.uint8]) -> None:
        """Append a frame, RGB of shape (side, side, 3)."""
        assert self._container is not None
        self._container.mux(self._stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        self._frames += 1

    def end_episode(self) -> Place:
        """Return where the episode lies."""
        chunk, file = divmod(self._files - 1, FILES_IN_CHUNK)
        return Place(chunk, file, self._begin / self._fps, self._frames / self._fps)

    def close(self) -> None:
        """Complete the last file; closing twice does no harm."""
        if self._container is not None:
            self._container.mux(self._stream.encode(None))
            self._container.close()
        self._container = None

    def _open(self) -> None:
        chunk, file = divmod(self._files, FILES_IN_CHUNK)
        self._path = self._folder / f"chunk-{chunk:03d}" / f"file-{file:03d}.mp4"
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._container = av.open(str(self._path), "w")
        self._stream = self._container.add_stream(CODEC, rate=self._fps, options=OPTIONS)
        self._stream.height = self._stream.width = self._side
        self._stream.pix_fmt = "rgb24"
        self._stream.codec_context.gop_size = KEYFRAME_INTERVAL
        self._stream.codec_context.max_b_frames = 0
        self._files += 1
        self._frames = 0
