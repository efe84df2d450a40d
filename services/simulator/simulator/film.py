"""A drive as a film that any browser plays: H.264 in MP4."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Final, Self

import av
import cv2
import numpy as np
from av.container import OutputContainer
from av.video.stream import VideoStream
from numpy.typing import NDArray

from contract import publish
from contract.errors import RecordingError, SettingError
from simulator.dashboard import SIZE, Dashboard, Figures

NOTE_S: Final = 2.0
"""For which a note stays: one frame of it would not be read."""
# Of what the preset saves, these two are worth their price: a tenth of the speed for a sixth of the
# file and 1 dB.
ENCODER: Final = {
    "preset": "ultrafast",
    "crf": "30",
    "x264-params": "cabac=1:no-deblock=0:deblock=0,0",
}


class Film:
    """Writes a film; it appears under its name when the with-block ends well.

    Args:
        path: of the film, .mp4; what was there is replaced.
        frame_rate: pictures a second.

    Raises:
        SettingError: the path is no .mp4, or there are no pictures a second.
        RecordingError: at the end, when nothing was added.
    """

    def __init__(self, path: Path, frame_rate: int = 15) -> None:
        if path.suffix != ".mp4":
            raise SettingError("a film is an .mp4", got=path, remedy="Name it so")
        if frame_rate < 1:
            raise SettingError("a film needs pictures", got=frame_rate, remedy="15 is usual")
        self._path = path
        self._part = publish.temporary(path)
        self._frame_rate = frame_rate
        self._dashboard = Dashboard()
        self._note = ""
        self._note_left = 0
        self._count = 0
        self._container: OutputContainer
        self._stream: VideoStream

    def __enter__(self) -> Self:
        # The index comes first, so that a browser can begin before it has all.
        self._container = av.open(str(self._part), "w", options={"movflags": "faststart"})
        self._stream = self._container.add_stream("libx264", rate=self._frame_rate, options=ENCODER)
        self._stream.height, self._stream.width = SIZE
        self._stream.pix_fmt = "yuv420p"
        self._stream.codec_context.gop_size = 5 * self._frame_rate  # to jump about in it
        # The drive itself needs the other cores.
        self._stream.codec_context.thread_count = 1
        return self

    def add(
        self,
        picture: NDArray[np.uint8],
        steering: float,
        throttle: float,
        speed_mph: float,
        lateral_m: float,
        time_s: float,
        note: str = "",
    ) -> None:
        """Append one moment.

        Args:
            picture: (160, 320, 3), RGB.
            steering: -1..1, positive to the right.
            throttle: -1..1, negative brakes.
            speed_mph: of the car.
            lateral_m: from the line to be driven, positive to the left.
            time_s: of the drive.
            note: shown in red from now on, for two seconds.

        Raises:
            FrameError: the picture is no frame.
        """
        if note:
            self._note, self._note_left = note, round(NOTE_S * self._frame_rate)
        shown = self._note if self._note_left > 0 else ""
        self._note_left -= 1
        drawn = self._dashboard.draw(
            picture, Figures(steering, throttle, speed_mph, lateral_m, time_s, shown)
        )
        # OpenCV converts thirty times as fast as the encoder's own scaler.
        planes = np.asarray(cv2.cvtColor(drawn, cv2.COLOR_RGB2YUV_I420), dtype=np.uint8)
        frame = av.VideoFrame.from_ndarray(planes, format="yuv420p")
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
                publish.sync(self._part)
                publish.rename(self._part, self._path)
        finally:
            self._part.unlink(missing_ok=True)
