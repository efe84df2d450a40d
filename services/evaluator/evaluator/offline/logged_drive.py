"""Reads the rows of a recording, and the paths of its images, for log replay and scoring."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from contract.dataset import path_fitness, timeline
from contract.errors import FrameError, RecordingError
from contract.files import file_access, regular_files
from contract.frames import preprocess
from contract.recordings import archive, driving_log
from contract.recordings.archive import Recording
from contract.vehicle import MPS_PER_MPH

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class LoggedDrive:
    """The rows of a recording that can be driven along."""

    name: str
    time_s: Floats
    """Time of each row, shape (rows,), rising from 0."""
    steering: Floats
    """Recorded steering, shape (rows,), -1..1, positive to the right."""
    speed_mps: Floats
    """Recorded speed, shape (rows,)."""
    segment: NDArray[np.int64]
    """Number of the segment of driving between pauses, shape (rows,), from 0."""
    image_paths: tuple[tuple[Path, ...], ...]
    """Paths of each row: of the centre camera, or of the centre, left and right camera."""
    left_out: int
    """Lines that are no rows (contract/recordings/driving_log.py) or lack an image file."""
    nominal: bool
    """Whether there are rows whose file names carry no time, which count as 1/15 s apart."""
    row_numbers: NDArray[np.int64]
    """Number of each row among the rows that ingest takes, shape (rows,), from 0."""

    @property
    def camera_count(self) -> int:
        """Number of cameras: 1 or 3."""
        return len(self.image_paths[0])

    def image(self, row: int, camera: int) -> NDArray[np.uint8]:
        """Return a camera's image of a row, RGB, shape (160, 320, 3) or as it was recorded.

        Raises:
            FrameError: the image file is broken or missing.
        """
        path = self.image_paths[row][camera]
        try:
            return preprocess.decode_image(regular_files.read(path, archive.MAX_IMAGE_BYTES))
        except (FrameError, OSError) as error:
            raise FrameError(
                f"an image of the recording cannot be used: {path.name}",
                got=error,
                remedy=file_access.remedy(error, "Remove the row's line from driving_log.csv"),
            ) from error

    def duration_s(self) -> Floats:
        """Return how long each row's steering was in force, shape (rows,); 0 before a pause."""
        duration = np.append(np.diff(self.time_s), 0.0)
        duration[np.append(np.diff(self.segment) != 0, True)] = 0.0
        return duration

    def moving_s(self) -> Floats:
        """Return the duration of each row, and 0 where the car stands: it cannot leave the path."""
        return path_fitness.moving_s(self.time_s, self.segment, self.speed_mps)


@contextmanager
def open_recordings(source: Path) -> Iterator[list[Recording]]:
    """Yield the recordings of a folder, zip or tar; an archive is unpacked for that time.

    Raises:
        RecordingError: the source holds no recording, or cannot be read.
    """
    with (
        tempfile.TemporaryDirectory(prefix="lapwing-recording-") as scratch,
        archive.open_recordings(source, Path(scratch)) as recordings,
    ):
        yield recordings


def read_folder(folder: Path) -> LoggedDrive:
    """Read the only recording of a folder.

    Raises:
        RecordingError: the folder holds no recording or several, or its recording cannot be used.
    """
    with open_recordings(folder) as recordings:
        if not folder.is_dir() or len(recordings) > 1:
            raise RecordingError(
                "the path must be a folder with one recording",
                got=f"{folder} with {len(recordings)} recordings",
                remedy="Name the folder that the simulator recorded into",
            )
        return read_recording(recordings[0])


def read_recording(source: Recording) -> LoggedDrive:
    """Read a recording that was made by Udacity's recorder or by Lapwing's.

    A line that cannot be used is left out and counted.

    Raises:
        RecordingError: its log cannot be read, or fewer than two lines can be used.
    """
    log = source.read()
    rows, lines = log.rows, len(log.rows) + len(log.rejections)
    camera_count = max((len(row.images) for row in rows), default=1)
    ingested = driving_log.with_images(log, source.images)
    numbers = [number for number, row in enumerate(ingested) if len(row.images) == camera_count]
    usable = [ingested[number] for number in numbers]
    if len(usable) < 2:
        raise RecordingError(
            "the recording has fewer than two rows that can be driven along",
            got=f"{lines} lines, {len(rows)} of them rows, {len(usable)} with their images",
            remedy="`lapwing ingest` says what is wrong with each line",
        )
    whole = timeline.build([row.time_s for row in ingested], [row.session for row in ingested])
    time_s, nominal = whole.time_s[numbers], whole.nominal[numbers]
    time_s = (time_s - time_s[0]).round(3) if not nominal.all() else time_s
    return LoggedDrive(
        name=source.name,
        time_s=time_s,
        steering=np.array([row.steering for row in usable]),
        speed_mps=np.array([row.speed_mph for row in usable]) * MPS_PER_MPH,
        segment=timeline.segments(time_s, interrupted=np.diff(whole.segment[numbers]) > 0),
        image_paths=tuple(tuple(source.images[name] for name in row.images) for row in usable),
        left_out=lines - len(usable),
        nominal=bool(nominal.any()),
        row_numbers=np.array(numbers, dtype=np.int64),
    )
