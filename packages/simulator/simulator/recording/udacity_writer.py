"""Writes a recording as Udacity's recorder does: IMG/ and a headerless driving_log.csv."""

from __future__ import annotations

import shutil
import zlib
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from contract import atomic_files
from contract.errors import RecordingError
from contract.vehicle import CAMERA_NAMES
from simulator.unity.number_format import Locale

EPOCH: Final = datetime(2026, 1, 1)
MINUTES: Final = 10 * 365 * 24 * 60
"""Within which recordings begin: their times are invented, but no two should share them."""


class Recorder:
    """A recording in the making; it appears under its name when it has ended.

    Whoever stops it with Ctrl-C gets what was recorded until then.

    Args:
        folder: of the recording; there may be nothing yet, or an empty folder.
        locale: in which numbers are written, as .NET writes them on such a machine.
        drive: what is driven, in words; they decide when the recording is said to have begun, so
            that the same drive is the same recording, and another one has another time.

    Raises:
        RecordingError: there is something already, or the folder cannot be written.
    """

    def __init__(self, folder: Path, locale: Locale, drive: str) -> None:
        self._folder = folder.resolve()
        self._locale = locale
        self._began = EPOCH + timedelta(minutes=zlib.crc32(drive.encode()) % MINUTES)
        self.rows = 0
        try:
            if exists(folder):
                raise RecordingError(
                    "there is something already where the recording would go",
                    got=folder,
                    remedy="Name a folder that is new or empty: --out FOLDER",
                )
            self._folder.parent.mkdir(parents=True, exist_ok=True)
            for left in atomic_files.temporary_paths(self._folder.parent, self._folder.stem):
                shutil.rmtree(left)
            self._part = atomic_files.temporary_path(self._folder)
            (self._part / "IMG").mkdir(parents=True)
            self._log = (self._part / "driving_log.csv").open("x", encoding="utf-8", newline="")
        except OSError as error:
            raise RecordingError(
                "the recording cannot be written", got=error, remedy="Name another --out FOLDER"
            ) from error

    def add(
        self,
        time_s: float,
        jpegs: Mapping[str, bytes],
        steering: float,
        throttle: float,
        speed_mph: float,
    ) -> None:
        """Write a row and its three images.

        Args:
            time_s: since the beginning.
            jpegs: of center, left and right.
            steering: -1..1.
            throttle: -1..1; negative is written as brake.
            speed_mph: of the car.
        """
        stamp = (self._began + timedelta(seconds=time_s)).strftime("%Y_%m_%d_%H_%M_%S_%f")[:-3]
        names = [f"{side}_{stamp}.jpg" for side in CAMERA_NAMES]
        for side, name in zip(CAMERA_NAMES, names, strict=True):
            (self._part / "IMG" / name).write_bytes(jpegs[side])
        numbers = [steering, max(0.0, throttle), max(0.0, -throttle), speed_mph]
        paths = [str(self._folder / "IMG" / name) for name in names]
        self._log.write(",".join([*paths, *map(self._number, numbers)]) + "\n")
        self.rows += 1

    def _number(self, value: float) -> str:
        """Format as .NET formats a float: seven significant digits, and a capital E."""
        text = f"{value:.7g}".upper()
        return ("0" if text == "-0" else text).replace(".", self._locale.decimal)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._log.close()
        if self.rows and (kind is None or issubclass(kind, KeyboardInterrupt)):
            atomic_files.rename(self._part, self._folder)  # takes the place of an empty folder
        else:
            shutil.rmtree(self._part)


def exists(folder: Path) -> bool:
    """Tell whether there is something that a recording would get in the way of."""
    return folder.exists() and not (folder.is_dir() and not any(folder.iterdir()))
