"""Writes a video of a drive: the picture of the camera, and the values of the moment below it.

To draw and to encode a picture takes about as long as to simulate it. A thread of its own does that
while the drive goes on: OpenCV and the encoder release the interpreter's lock.
"""

from __future__ import annotations

from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from simulator.viz.hud import SIZE, Hud, HudValues
from simulator.viz.video_writer import Mp4Writer

NOTE_S: Final = 2.0
"""Time for which a note is shown: people could not read it in one frame."""


MAX_WAITING: Final = 16
"""Maximum number of pictures, 2.5 MB in all, that wait for the encoder."""


class EpisodeVideo:
    """Writes a video, which appears under its name when the with-block ends without an error.

    Args:
        path: Path of the video, .mp4; an older file is replaced.
        frame_rate: Pictures a second.

    Raises:
        SettingError: The path does not end in .mp4, or the frame rate is below 1.
        RecordingError: The with-block ended without any picture.
    """

    def __init__(self, path: Path, frame_rate: int = 15) -> None:
        self._writer = Mp4Writer(path, SIZE[0], SIZE[1], frame_rate)
        self._frame_rate = frame_rate
        self._hud = Hud()
        self._note = ""
        self._note_frames_left = 0
        self._encoder = ThreadPoolExecutor(1, thread_name_prefix="film")
        self._waiting: deque[Future[None]] = deque()

    @property
    def waiting(self) -> int:
        """Number of pictures that wait for the encoder, or that it works on."""
        return len(self._waiting)

    def __enter__(self) -> Self:
        self._writer.__enter__()
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
            picture: RGB picture of the centre camera, (160, 320, 3).
            steering: Steering, -1..1, positive to the right.
            throttle: Throttle, -1..1; a negative value brakes.
            speed_mph: Speed of the car.
            lateral_m: Offset from the driving line, positive to the left.
            time_s: Time of the drive.
            note: Note that is shown in red for two seconds from now.

        Raises:
            FrameError: This picture, or an earlier one, is not a frame of the centre camera.
        """
        if note:
            self._note, self._note_frames_left = note, round(NOTE_S * self._frame_rate)
        visible_note = self._note if self._note_frames_left > 0 else ""
        self._note_frames_left -= 1
        values = HudValues(steering, throttle, speed_mph, lateral_m, time_s, visible_note)
        # The camera may use the memory of its picture again.
        self._waiting.append(self._encoder.submit(self._encode, picture.copy(), values))
        while len(self._waiting) > MAX_WAITING or (self._waiting and self._waiting[0].done()):
            self._waiting.popleft().result()

    def _encode(self, picture: NDArray[np.uint8], values: HudValues) -> None:
        drawn = self._hud.draw(picture, values)
        # OpenCV converts thirty times as fast as the encoder's own scaler.
        planes = np.asarray(cv2.cvtColor(drawn, cv2.COLOR_RGB2YUV_I420), dtype=np.uint8)
        self._writer.add(av.VideoFrame.from_ndarray(planes, format="yuv420p"))

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            while kind is None and self._waiting:
                self._waiting.popleft().result()
        except BaseException as failed:
            self._end(type(failed), failed, failed.__traceback__)
            raise
        self._end(kind, error, trace)

    def _end(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._encoder.shutdown(cancel_futures=True)
        self._writer.__exit__(kind, error, trace)
