"""Writes a recording as Udacity's recorder does: IMG/ and a driving_log.csv without a header."""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping
from contextlib import ExitStack
from datetime import datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from contract.errors import RecordingError
from contract.files import atomic_files, file_access
from contract.vehicle import CAMERA_NAMES
from simulator.unity.number_format import Locale

EPOCH: Final = datetime(2026, 1, 1)
START_RANGE_MIN: Final = 10 * 365 * 24 * 60
"""Minutes after EPOCH within which recordings begin. Their times are invented, but two recordings
should not share them."""


class UdacityWriter:
    """Writes one recording, which appears under its name when the with-block ends.

    If Ctrl-C stops the recording, the rows until then are kept.

    Args:
        folder: Folder of the recording, new or empty.
        locale: Locale in which numbers are written, as .NET writes them on such a machine.
        description: Text that describes the drive. The recording's start time is derived from it,
            so the same drive gives the same recording, and another drive has another time.

    Raises:
        RecordingError: The folder is not empty, or it cannot be written.
    """

    def __init__(self, folder: Path, locale: Locale, description: str) -> None:
        self._folder = folder.resolve()
        self._locale = locale
        start_min = zlib.crc32(description.encode()) % START_RANGE_MIN
        self._began = EPOCH + timedelta(minutes=start_min)
        self.rows = 0
        self._stack = ExitStack()
        try:
            if is_occupied(folder):
                raise RecordingError(
                    "the folder of the recording is not empty",
                    got=folder,
                    remedy="Name a folder that is new or empty: --out FOLDER",
                )
            self._part = self._stack.enter_context(atomic_files.staging_folder(self._folder))
            (self._part / "IMG").mkdir()
            log = (self._part / "driving_log.csv").open("x", encoding="utf-8", newline="")
            self._log = self._stack.enter_context(log)
        except OSError as error:
            self._stack.close()
            raise RecordingError(
                "the recording cannot be written",
                got=error,
                remedy=file_access.remedy(error, "Name another --out FOLDER"),
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
            time_s: Time since the beginning of the recording.
            jpegs: JPEGs of the cameras center, left and right.
            steering: Steering, -1..1.
            throttle: Throttle, -1..1; a negative value is written as brake.
            speed_mph: Speed of the car.
        """
        stamp = (self._began + timedelta(seconds=time_s)).strftime("%Y_%m_%d_%H_%M_%S_%f")[:-3]
        names = [f"{side}_{stamp}.jpg" for side in CAMERA_NAMES]
        for side, name in zip(CAMERA_NAMES, names, strict=True):
            (self._part / "IMG" / name).write_bytes(jpegs[side])
        numbers = [steering, max(0.0, throttle), max(0.0, -throttle), speed_mph]
        paths = [str(self._folder / "IMG" / name) for name in names]
        self._log.write(",".join([*paths, *map(self._format, numbers)]) + "\n")
        self.rows += 1

    def add_document(self, name: str, document: Mapping[str, object]) -> None:
        """Write a JSON file beside the log; Udacity's recorder has none."""
        (self._part / name).write_text(json.dumps(document, indent=2) + "\n")

    def _format(self, value: float) -> str:
        """Return a number as .NET formats a float: seven significant digits, and a capital E."""
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
        with self._stack:
            self._log.close()
            if self.rows and (kind is None or issubclass(kind, KeyboardInterrupt)):
                atomic_files.publish_folder(self._part, self._folder)


def is_occupied(folder: Path) -> bool:
    """Return whether a path holds something that a recording would replace."""
    return folder.exists() and not (folder.is_dir() and atomic_files.is_empty(folder))
