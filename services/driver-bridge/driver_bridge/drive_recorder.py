"""Records the frames of a drive in the simulator's own format, so that ingest reads them.

    <folder>/<time of the connection>/driving_log.csv
    <folder>/<time of the connection>/IMG/center_yyyy_MM_dd_HH_mm_ss_fff.jpg

Frames that the model did not steer are no driving, and are kept apart for people to look at. They
have the same columns and a last one, which says why:

    <folder>/<time of the connection>/not_driven.csv
    <folder>/<time of the connection>/NOT_DRIVEN/center_yyyy_MM_dd_HH_mm_ss_fff.jpg

Nothing here waits for the disk: rows are queued, and a system thread writes them.
"""

from __future__ import annotations

import csv
import logging
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from contract.perpetual import describe

log = logging.getLogger(__name__)

MAX_QUEUED_ROWS: Final = 512
"""Number of rows that may wait for the disk: 7 MB, half a minute of one simulator."""
BATCH_ROWS: Final = 32
JPEG_START: Final = b"\xff\xd8"
"""First bytes of a JPEG. An image of a client that begins otherwise is not recorded."""


@dataclass(frozen=True)
class RecordedRow:
    """One row of a recorded drive."""

    jpeg: bytes
    steering: float
    """-1..1: the steering of the answer."""
    throttle: float
    """-1..1; a negative throttle brakes."""
    speed_mph: float
    not_driven: str = ""
    """Why the model did not steer this frame; empty where it did."""


@dataclass(frozen=True)
class _QueuedRow:
    folder: Path
    time: datetime
    row: RecordedRow


WriteResult = tuple[int, str]
"""Number of rows that were written, and why the next one was not; empty when all were."""
Offload = Callable[[Callable[[], WriteResult]], WriteResult]


def utc_now() -> datetime:
    """Return the time for file names in UTC, as drive.py does."""
    return datetime.now(UTC)


class DriveRecorder:
    """Writes the drives of a bridge.

    Args:
        folder: folder in which each connection gets its own folder.
        offload: runs a function in a system thread and returns its result, while other greenlets
            run.
        now: returns the time for names.

    Raises:
        OSError: the folder cannot be created.
    """

    def __init__(
        self,
        folder: Path,
        offload: Offload = lambda write: write(),
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder.absolute()
        self._offload = offload
        self._now = now
        self._queue: deque[_QueuedRow] = deque()
        self._last_row_times: dict[Path, datetime] = {}
        self._last_folder_time = datetime.min.replace(tzinfo=UTC)
        self._failure = ""
        self.written = 0
        self.dropped = 0
        """Number of rows that were not recorded: the disk was too slow, full or gone."""

    def start_drive(self) -> DriveRecording:
        """Start the recording of a drive; nothing is written before its first row."""
        return DriveRecording(self)

    def new_folder(self) -> Path:
        """Return the path of a folder that no other drive has."""
        self._last_folder_time = _unique_time(self._now(), self._last_folder_time)
        return self._folder / timestamp(self._last_folder_time)

    def put(self, folder: Path, row: RecordedRow) -> None:
        """Queue a row, or drop it when too many rows wait."""
        if not row.jpeg.startswith(JPEG_START):
            return
        if len(self._queue) >= MAX_QUEUED_ROWS:
            self._drop(1, "the disk is too slow for them")
            return
        time = self._now()
        if folder in self._last_row_times:
            time = _unique_time(time, self._last_row_times[folder])
        self._last_row_times[folder] = time
        self._queue.append(_QueuedRow(folder, time, row))

    def end_drive(self, folder: Path) -> None:
        """Forget a drive that has ended; its queued rows are still written."""
        self._last_row_times.pop(folder, None)

    def write(self) -> bool:
        """Write some of the queued rows, and return whether there were any.

        A disk that is full or gone costs these rows, and is reported once; each call tries again.

        Raises:
            Exception: the thread failed for another reason, which costs these rows too.
        """
        batch = [self._queue.popleft() for _ in range(min(BATCH_ROWS, len(self._queue)))]
        if not batch:
            return False
        # After a failure the file may end in half a line; an empty line does no harm.
        prefix = "\n" if self._failure else ""
        # The system thread does not log: the locks of the log are not made for it.
        try:
            written, failure = self._offload(lambda: _write(batch, prefix))
        except Exception as error:
            self._drop(len(batch), describe(error))
            raise
        self.written += written
        if failure:
            self._drop(len(batch) - written, failure)
        elif self._failure and len(self._queue) < MAX_QUEUED_ROWS // 2:
            log.info("frames are recorded again; %d were lost", self.dropped)
            self._failure = ""
        return True

    def _drop(self, count: int, reason: str) -> None:
        self.dropped += count
        if not self._failure:
            log.warning("frames are not recorded: %s. The drive goes on", reason)
        self._failure = reason


class DriveRecording:
    """The recording of one connection."""

    def __init__(self, recorder: DriveRecorder) -> None:
        self._recorder = recorder
        self._folder: Path | None = None

    def put(self, row: RecordedRow) -> None:
        """Queue a row; the first row gives the folder its name."""
        if self._folder is None:
            self._folder = self._recorder.new_folder()
        self._recorder.put(self._folder, row)

    def end(self) -> None:
        """End the recording, because the simulator has disconnected."""
        if self._folder is not None:
            self._recorder.end_drive(self._folder)


def timestamp(time: datetime) -> str:
    """Return a time as in the simulator's file names: yyyy_MM_dd_HH_mm_ss_fff."""
    return f"{time:%Y_%m_%d_%H_%M_%S}_{time.microsecond // 1000:03d}"


def _unique_time(time: datetime, last: datetime) -> datetime:
    """Return `time`, but at least a millisecond after `last`, because a timestamp is a name."""
    return max(time, last + timedelta(milliseconds=1))


def _write(batch: list[_QueuedRow], prefix: str) -> WriteResult:
    """Write rows, with `prefix` before each line.

    The image is written first and its line after it, so that no line names an image that is
    missing. A row that fails half-way leaves no image: on a disk that is full for an hour they
    would be 50,000 empty files.
    """
    written = 0
    try:
        for queued in batch:
            driven = not queued.row.not_driven
            images = queued.folder / ("IMG" if driven else "NOT_DRIVEN")
            table = queued.folder / ("driving_log.csv" if driven else "not_driven.csv")
            path = images / f"center_{timestamp(queued.time)}.jpg"
            images.mkdir(parents=True, exist_ok=True)
            try:
                path.write_bytes(queued.row.jpeg)
                with table.open("a", encoding="utf-8", newline="") as file:
                    file.write(prefix)
                    csv.writer(file, lineterminator="\n").writerow(_fields(path, queued.row))
            except OSError:
                path.unlink(missing_ok=True)
                raise
            written += 1
    except OSError as error:
        return written, str(error)
    return written, ""


def _fields(path: Path, row: RecordedRow) -> list[str]:
    """Return the fields of a line, without side cameras: there are none in a drive."""
    numbers = (row.steering, max(0.0, row.throttle), max(0.0, -row.throttle), row.speed_mph)
    fields = [str(path), "", "", *(f"{number:.6g}" for number in numbers)]
    return [*fields, row.not_driven] if row.not_driven else fields
