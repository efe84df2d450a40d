"""Keeps the frames of a drive in the simulator's own format, so that ingest takes them.

    <folder>/<when the simulator came>/driving_log.csv
    <folder>/<when the simulator came>/IMG/center_yyyy_MM_dd_HH_mm_ss_fff.jpg

Nothing here waits for the disk: rows are queued, and written by a thread of the system's.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

log = logging.getLogger(__name__)

MOST_QUEUED: Final = 512
"""Rows that wait for the disk: 7 MB, half a minute of one simulator."""
BATCH: Final = 32
SOI: Final = b"\xff\xd8"
"""How a JPEG begins; what else a client calls an image is not kept."""


@dataclass(frozen=True)
class Row:
    """One moment of a drive."""

    jpeg: bytes
    steering: float
    """-1..1: what was answered."""
    throttle: float
    """-1..1; negative brakes."""
    speed_mph: float


@dataclass(frozen=True)
class _Queued:
    folder: Path
    moment: datetime
    row: Row


Outcome = tuple[int, str]
"""Rows that were written, and what went wrong with the next; nothing: all were."""
Offload = Callable[[Callable[[], Outcome]], Outcome]


def utc_now() -> datetime:
    """Return the time for file names: UTC, as in drive.py."""
    return datetime.now(UTC)


class Recorder:
    """Writes the drives of a bridge.

    Args:
        folder: in which each connection gets a folder of its own.
        offload: runs a function in a thread of the system's, and returns what it returns, while
            everything else goes on.
        now: the time for names.

    Raises:
        OSError: the folder cannot be made.
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
        self._queue: deque[_Queued] = deque()
        self._last: dict[Path, datetime] = {}
        self._named = datetime.min.replace(tzinfo=UTC)
        self._trouble = ""
        self.written = 0
        self.dropped = 0
        """Rows that were not kept: the disk was too slow, full or gone."""

    def drive(self) -> Drive:
        """Begin a drive; nothing is written before its first row."""
        return Drive(self)

    def name(self) -> Path:
        """Return a folder that no other drive has."""
        self._named = _later(self._now(), self._named)
        return self._folder / stamp(self._named)

    def put(self, folder: Path, row: Row) -> None:
        """Queue a row, or drop it when too many wait."""
        if not row.jpeg.startswith(SOI):
            return
        if len(self._queue) >= MOST_QUEUED:
            self._drop(1, "the disk is too slow for them")
            return
        moment = self._now()
        if folder in self._last:
            moment = _later(moment, self._last[folder])
        self._last[folder] = moment
        self._queue.append(_Queued(folder, moment, row))

    def end(self, folder: Path) -> None:
        """Forget a drive that has ended; what is queued of it is still written."""
        self._last.pop(folder, None)

    def write(self) -> bool:
        """Write some of what is queued; return whether there was anything.

        A disk that is full or gone costs the rows, and is told once; each call tries again.
        """
        batch = [self._queue.popleft() for _ in range(min(BATCH, len(self._queue)))]
        if not batch:
            return False
        # After a failure there may be half a line: an empty one does no harm.
        begin = "\n" if self._trouble else ""
        # Not logged in that thread: the locks of a log are not made for it.
        written, trouble = self._offload(lambda: _write(batch, begin))
        self.written += written
        if trouble:
            self._drop(len(batch) - written, trouble)
        elif self._trouble and len(self._queue) < MOST_QUEUED // 2:
            log.info("frames are kept again; %d were lost", self.dropped)
            self._trouble = ""
        return True

    def _drop(self, count: int, why: str) -> None:
        self.dropped += count
        if not self._trouble:
            log.warning("frames are not kept: %s. The drive goes on", why)
        self._trouble = why


class Drive:
    """One connection's recording."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._folder: Path | None = None

    def put(self, row: Row) -> None:
        """Queue a row; the first names the folder."""
        if self._folder is None:
            self._folder = self._recorder.name()
        self._recorder.put(self._folder, row)

    def end(self) -> None:
        """The simulator has left."""
        if self._folder is not None:
            self._recorder.end(self._folder)


def stamp(moment: datetime) -> str:
    """Return a moment as the simulator's file names have it: yyyy_MM_dd_HH_mm_ss_fff."""
    return f"{moment:%Y_%m_%d_%H_%M_%S}_{moment.microsecond // 1000:03d}"


def _later(moment: datetime, last: datetime) -> datetime:
    """Return a moment, or the millisecond after the last: a time stamp is a name."""
    return max(moment, last + timedelta(milliseconds=1))


def _write(batch: list[_Queued], begin: str) -> Outcome:
    """Write rows, each line after `begin`.

    The picture first, then its line: a line never names a picture that is not there. A row that
    fails half-way leaves a picture that no line names, which ingest passes over.
    """
    written = 0
    try:
        for each in batch:
            images = each.folder / "IMG"
            path = images / f"center_{stamp(each.moment)}.jpg"
            images.mkdir(parents=True, exist_ok=True)
            path.write_bytes(each.row.jpeg)
            with (each.folder / "driving_log.csv").open("a", encoding="utf-8") as file:
                file.write(begin + _line(path, each.row))
            written += 1
    except OSError as error:
        return written, str(error)
    return written, ""


def _line(path: Path, row: Row) -> str:
    """Return a line of driving_log.csv: there are no side cameras while it drives."""
    numbers = (row.steering, max(0.0, row.throttle), max(0.0, -row.throttle), row.speed_mph)
    return ",".join([str(path), "", "", *(f"{number:.6g}" for number in numbers)]) + "\n"
