"""Keeps the frames of a drive, named as Udacity's drive.py names them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path


def utc_now() -> datetime:
    """Return the time for file names: UTC, as in drive.py."""
    return datetime.now(UTC)


class Recorder:
    """Writes each frame to <folder>/yyyy_MM_dd_HH_mm_ss_fff.jpg, for video.py to make a film of.

    Raises:
        OSError: the folder cannot be made, or a frame not be written.
    """

    def __init__(self, folder: Path, now: Callable[[], datetime] = utc_now) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._now = now

    def keep(self, jpeg: bytes) -> Path:
        """Write a frame; one that comes within a millisecond of another gets the next free name."""
        moment = self._now()
        while True:
            name = f"{moment:%Y_%m_%d_%H_%M_%S}_{moment.microsecond // 1000:03d}.jpg"
            try:
                with (self._folder / name).open("xb") as file:
                    file.write(jpeg)
                return self._folder / name
            except FileExistsError:
                moment += timedelta(milliseconds=1)
