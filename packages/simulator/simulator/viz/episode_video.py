"""A drive as a film: what the camera saw, and the figures of the moment beside it."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Final, Self

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from simulator.viz.hud import SIZE, Dashboard, Figures
from simulator.viz.video_writer import Mp4

NOTE_S: Final = 2.0
"""For which a note stays: one frame of it would not be read."""


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
        self._mp4 = Mp4(path, SIZE[0], SIZE[1], frame_rate)
        self._frame_rate = frame_rate
        self._dashboard = Dashboard()
        self._note = ""
        self._note_left = 0

    def __enter__(self) -> Self:
        self._mp4.__enter__()
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
        self._mp4.add(frame)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._mp4.__exit__(kind, error, trace)
