"""Reads a recording's rows and where their pictures lie, for whoever drives along it again."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from contract.dataset import timeline
from contract.errors import FrameError, RecordingError
from contract.frames import preprocess
from contract.recordings import archive, driving_log
from contract.recordings.archive import Recording
from contract.vehicle import MPS_PER_MPH

STANDING_MPS: Final = 0.5

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
    """Lines that are no rows (contract/driving_log.py), or without a picture that is there."""
    nominal: bool
    """Whether the file names carry no time, so that rows count as 1/15 s apart."""
    number: NDArray[np.int64]
    """(N,), from 0: which one of the rows that ingest takes each is."""

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
            return preprocess.decode(path.read_bytes())
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


@contextmanager
def opened(source: Path) -> Iterator[list[Recording]]:
    """Yield the recordings of a folder, zip or tar; an archive is unpacked meanwhile.

    Raises:
        RecordingError: it holds none, or cannot be read.
    """
    with (
        tempfile.TemporaryDirectory(prefix="lapwing-recording-") as scratch,
        archive.open_recordings(source, Path(scratch)) as found,
    ):
        yield found


def read(folder: Path) -> Recorded:
    """Read the one recording of a folder.

    Raises:
        RecordingError: it holds none or several, or what it holds cannot be driven along.
    """
    with opened(folder) as found:
        if not folder.is_dir() or len(found) > 1:
            raise RecordingError(
                "one recording's folder was asked for",
                got=f"{folder} with {len(found)}",
                remedy="Name the folder that the simulator recorded into",
            )
        return of(found[0])


def of(source: Recording) -> Recorded:
    """Read a recording of Udacity's recorder, or of ours.

    A line that cannot be used is left out and counted.

    Raises:
        RecordingError: its log cannot be read, or not two lines of it can be used.
    """
    log = driving_log.read(source.read_log())
    log = driving_log.without_missing_sides(log, source.images)
    rows, lines = log.rows, len(log.rows) + len(log.rejections)
    cameras = max((len(row.images) for row in rows), default=1)
    taken = driving_log.with_images(log, source.images)
    number = [place for place, row in enumerate(taken) if len(row.images) == cameras]
    kept = [taken[place] for place in number]
    if len(kept) < 2:
        raise RecordingError(
            "the recording has no two rows that can be driven along",
            got=f"{lines} lines, {len(rows)} of them rows, {len(kept)} with their pictures",
            remedy="`lapwing ingest` tells what is wrong with each line",
        )
    time_s, nominal = timeline.clock([row.time_s for row in kept])
    time_s = (time_s - time_s[0]).round(3) if not nominal else time_s
    return Recorded(
        name=source.name,
        time_s=time_s,
        steering=np.array([row.steering for row in kept]),
        speed_mps=np.array([row.speed_mph for row in kept]) * MPS_PER_MPH,
        stretch=timeline.segments(time_s),
        pictures=tuple(tuple(source.images[name] for name in row.images) for row in kept),
        left_out=lines - len(kept),
        nominal=nominal,
        number=np.array(number, dtype=np.int64),
    )
