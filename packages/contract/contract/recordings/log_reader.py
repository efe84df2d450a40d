"""The seam between the formats of recordings and those who use recordings.

A format has one LogReader, and a function that finds its recordings in a folder. Whatever the
format, `archive.Recording` gives the same: rows, and the paths of their images by name.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final, Protocol

from contract.files import regular_files
from contract.recordings import driving_log
from contract.recordings.driving_log import Log
from contract.recordings.log_text import MAX_LOG_BYTES

__all__ = ["DRIVING_LOG", "DrivingLogReader", "LogReader"]


class LogReader(Protocol):
    """Reads the rows of the recordings of one format."""

    def content(self, log: Path) -> bytes:
        """Return all bytes that say what the rows are, for the digest of the recording and `rows`.

        Args:
            log: path of the file that makes a folder a recording of this format.

        Raises:
            OSError: a file cannot be read.
            RecordingError: a file is not what it must be in this format.
        """

    def rows(self, content: bytes, full_lock: float) -> Log:
        """Return the rows, the reasons for those that are rejected, and notes.

        Args:
            content: what `content` returned.
            full_lock: the value of the steering at full lock; see steering_unit.py.

        Raises:
            RecordingError: there are no rows, or nothing says what the values mean.
        """


class DrivingLogReader:
    """Reads driving_log.csv, which Udacity's simulator writes."""

    def content(self, log: Path) -> bytes:
        """Return the bytes of the driving log."""
        return regular_files.read(log, MAX_LOG_BYTES)

    def rows(self, content: bytes, full_lock: float) -> Log:
        """Return the rows of the driving log."""
        return driving_log.read(content, full_lock)


DRIVING_LOG: Final = DrivingLogReader()
