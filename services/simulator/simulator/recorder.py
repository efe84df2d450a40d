"""Writes a recording as Udacity's recorder does: IMG/ and a headerless driving_log.csv."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final, Self

from contract.errors import RecordingError
from simulator.numbers import Locale

SIDES: Final = ("center", "left", "right")
BEGINNING: Final = datetime(2026, 1, 1, 12)
"""Of the simulated day: fixed, so that the same drive is the same recording."""


class Recorder:
    """A recording in the making; every row is in the log as soon as it is added.

    Args:
        folder: is made; it may not hold a recording.
        locale: in which numbers are written, as .NET writes them on such a machine.

    Raises:
        RecordingError: there is a recording already, or the folder cannot be written.
    """

    def __init__(self, folder: Path, locale: Locale) -> None:
        self._images = folder.resolve() / "IMG"
        self._locale = locale
        self.rows = 0
        try:
            self._images.mkdir(parents=True, exist_ok=True)
            self._log = (folder / "driving_log.csv").open("x", encoding="utf-8", newline="")
        except FileExistsError as error:
            raise RecordingError(
                "there is something already where the recording would go",
                got=error.filename,
                remedy="Name a folder that is new or empty: --out FOLDER",
            ) from error
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
        stamp = (BEGINNING + timedelta(seconds=time_s)).strftime("%Y_%m_%d_%H_%M_%S_%f")[:-3]
        paths = [self._images / f"{side}_{stamp}.jpg" for side in SIDES]
        for side, path in zip(SIDES, paths, strict=True):
            path.write_bytes(jpegs[side])
        numbers = [steering, max(0.0, throttle), max(0.0, -throttle), speed_mph]
        fields = [*map(str, paths), *map(self._number, numbers)]
        self._log.write(",".join(fields) + "\n")
        self._log.flush()
        self.rows += 1

    def _number(self, value: float) -> str:
        """Format as .NET formats a float: seven significant digits, and a capital E."""
        text = f"{value:.7g}".upper()
        return ("0" if text == "-0" else text).replace(".", self._locale.decimal)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self._log.close()
