"""Reads a recording's rows and where their pictures lie, for whoever drives along it again."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from contract import frame
from contract.errors import FrameError, RecordingError
from simulator.car import MPS_PER_MPH

ROW_S: Final = 1 / 15
"""The recorder's nominal interval: the clock of recordings whose file names carry no time."""
BREAK_S: Final = 0.5
"""A longer pause between rows parts two stretches of driving."""
STANDING_MPS: Final = 0.5
LOG: Final = "driving_log.csv"
IMAGE: Final = re.compile(r"(?:.*[\\/])?([^\\/]+\.jpe?g)", re.IGNORECASE)
STAMP: Final = re.compile(r"_(\d{4}(?:_\d\d){5}_\d{3})\.")
NUMBER: Final = re.compile(r"-?\d+(?:\.\d+)?(?:E[-+]?\d+)?", re.IGNORECASE)
# steering, throttle, brake, speed; a float overshoots its range by rounding.
RANGES: Final = ((-1.0001, 1.0001), (0.0, 1.0001), (0.0, 1.0001), (0.0, 200.0))

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Recorded:
    """The rows of a recording that can be driven along; N of them."""

    name: str
    time_s: Floats
    """(N,), rising, from 0."""
    steering: Floats
    """(N,), -1..1, positive to the right."""
    speed_mps: Floats
    """(N,)"""
    stretch: NDArray[np.int64]
    """(N,), from 0: the stretches of driving between pauses."""
    pictures: tuple[tuple[Path, ...], ...]
    """(N,) of the centre camera, or of centre, left and right."""
    left_out: int
    """Lines without a picture that is there, or without four numbers."""
    nominal: bool
    """Whether the file names carry no time, so that rows count as 1/15 s apart."""

    @property
    def cameras(self) -> int:
        """How many there are: 1 or 3."""
        return len(self.pictures[0])

    def picture(self, row: int, camera: int) -> NDArray[np.uint8]:
        """Return what a camera saw: (160, 320, 3) RGB, or whatever size it was recorded in.

        Raises:
            FrameError: the picture is broken, or gone.
        """
        path = self.pictures[row][camera]
        try:
            return frame.decode(path.read_bytes())
        except (FrameError, OSError) as error:
            raise FrameError(
                f"a picture of the recording cannot be used: {path.name}",
                got=error,
                remedy="Take the row's line out of driving_log.csv",
            ) from error

    def held_s(self) -> Floats:
        """Return for how long, (N,) seconds, each row's steering was in force; 0 before a pause."""
        held = np.append(np.diff(self.time_s), 0.0)
        held[np.append(np.diff(self.stretch) != 0, True)] = 0.0
        return held

    def driven_s(self) -> Floats:
        """Return the same, (N,), and 0 where the car stands: nobody can leave the path there."""
        return np.where(self.speed_mps > STANDING_MPS, self.held_s(), 0.0)


def read(folder: Path) -> Recorded:
    """Read a recording of Udacity's recorder, or of ours.

    Numbers may be written with decimal commas. A line that cannot be used is left out and counted.

    Raises:
        RecordingError: there is no log, or not two lines of it can be used.
    """
    try:
        text = (folder / LOG).read_bytes().decode("utf-8-sig", errors="replace")
    except OSError as error:
        raise RecordingError(
            f"the recording has no {LOG} that can be read",
            got=error,
            remedy="Name the folder that the simulator wrote; an archive is unpacked first",
        ) from error
    present = {path.name: path for place in (folder, folder / "IMG") for path in place.glob("*.*")}
    lines = [line.split(",") for line in text.splitlines() if line.strip()]
    if lines and "steering" in [each.strip() for each in lines[0]]:
        lines.pop(0)
    parsed = [_row(fields) for fields in lines]
    rows = [each for each in parsed if each is not None]
    # Many recordings are handed on without the side cameras' pictures.
    sides = any(name in present for names, _ in rows for name in names[1:])
    wanted = [(names if sides else names[:1], numbers) for names, numbers in rows]
    cameras = 3 if sides else 1
    kept = [
        each
        for each in wanted
        if len(each[0]) == cameras and all(name in present for name in each[0])
    ]
    if len(kept) < 2:
        raise RecordingError(
            "the recording has no two rows that can be driven along",
            got=f"{len(lines)} lines, {len(rows)} of four numbers, {len(kept)} with their pictures",
            remedy="`lapwing ingest` tells what is wrong with each line",
        )
    clock = np.array([_stamp(names[0]) for names, _ in kept])
    nominal = not (np.isfinite(clock).all() and (np.diff(clock) >= 0).all())
    time_s = (
        np.arange(len(kept), dtype=np.float64) * ROW_S if nominal else (clock - clock[0]).round(3)
    )
    numbers = np.array([each for _, each in kept])
    return Recorded(
        name=folder.resolve().name,
        time_s=np.asarray(time_s, dtype=np.float64),
        steering=numbers[:, 0].clip(-1, 1),
        speed_mps=numbers[:, 3] * MPS_PER_MPH,
        stretch=np.concatenate([[0], np.cumsum(np.diff(time_s) > BREAK_S)]),
        pictures=tuple(tuple(present[name] for name in names) for names, _ in kept),
        left_out=len(lines) - len(kept),
        nominal=nominal,
    )


def _row(fields: Sequence[str]) -> tuple[list[str], tuple[float, ...]] | None:
    """Return a line's image names, without their folders, and its four numbers."""
    fields = [each.strip().strip('"') for each in fields]
    found = [IMAGE.fullmatch(each) for each in fields]
    names = [each[1] for each in found if each]
    if len(names) not in (1, 3):
        return None
    last = max(place for place, each in enumerate(found) if each)
    rest = fields[last + 1 :]
    while rest and not rest[0]:  # the empty side cameras of a centre-only log
        rest = rest[1:]
    readings = _readings(rest)
    return (names, readings[0]) if len(readings) == 1 else None


def _readings(fields: Sequence[str]) -> list[tuple[float, ...]]:
    """Return every way to read the fields as the four numbers.

    On a machine with a decimal comma "-0,35" is two fields. A fraction does not end in 0, nor has a
    number leading zeros, as .NET writes them; what can be read in two ways is not guessed at.
    """
    found = set()
    for widths in itertools.product((1, 2), repeat=len(RANGES)):
        if sum(widths) != len(fields):
            continue
        ends = list(itertools.accumulate(widths))
        words = [".".join(fields[end - width : end])
                 for end, width in zip(ends, widths, strict=True)]  # fmt: skip
        split = any(width == 2 for width in widths)
        if all(_plausible(word, split) for word in words):
            values = tuple(float(word) for word in words)
            if all(low <= each <= high
                   for each, (low, high) in zip(values, RANGES, strict=True)):  # fmt: skip
                found.add(values)
    return sorted(found)


def _plausible(word: str, split: bool) -> bool:
    if not NUMBER.fullmatch(word):
        return False
    whole, _, fraction = word.lstrip("-").upper().partition("E")[0].partition(".")
    strict = (len(whole) == 1 or whole[0] != "0") and not fraction.endswith("0") and word != "-0"
    return strict or not split


def _stamp(name: str) -> float:
    """Return the seconds since 1970 of a file name, read as UTC; NaN where it tells none."""
    match = STAMP.search(name)
    if match is None:
        return math.nan
    try:
        moment = datetime.strptime(match[1] + "000", "%Y_%m_%d_%H_%M_%S_%f")
    except ValueError:  # such as a month 13
        return math.nan
    return moment.replace(tzinfo=UTC).timestamp()
