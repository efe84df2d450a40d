"""Holds what a driving log is read into: rows, and reasons for the lines that are rejected."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import Final

__all__ = ["Rejection", "Row"]

TIME_STAMP: Final = re.compile(r"_(\d{4}(?:_\d\d){5}_\d{3})\.")


@dataclass(frozen=True)
class Row:
    """Holds the values of one line of the log."""

    line: int
    """Number of the line, counted from 1."""
    images: tuple[str, ...]
    """File names of the images: centre, or centre, left and right. Where the log has one name in
    several folders, it is the whole path as the log writes it, with "/"."""
    steering: float
    """Steering command, -1..1; right is positive."""
    throttle: float
    """0..1."""
    brake: float
    """0..1."""
    speed_mph: float
    """NaN if the recording does not say it, as most tubs of Donkey cars do not."""
    folder: str = field(default="", kw_only=True)
    """Folder of the centre image as the log writes it, "" without one; the session of a tub."""
    side_folders: tuple[str, ...] = field(default=(), kw_only=True)
    """Folders of the left and the right image, () if both are that of the centre image."""
    session: int = field(default=0, kw_only=True)
    """Number of the session that the row belongs to, from 0; see row_order.py."""
    stamp_s: float | None = field(default=None, kw_only=True)
    """Time in seconds since 1970 as the record states it; None where the file name does."""

    @cached_property
    def time_s(self) -> float:
        """Time in seconds since 1970, read as UTC; NaN where nothing states it."""
        if self.stamp_s is not None:
            return self.stamp_s
        match = TIME_STAMP.search(self.images[0])
        if match is None:
            return math.nan
        try:
            moment = datetime.strptime(match[1] + "000", "%Y_%m_%d_%H_%M_%S_%f")
        except ValueError:  # for example month 13
            return math.nan
        return moment.replace(tzinfo=UTC).timestamp()

    @property
    def folders(self) -> tuple[str, ...]:
        """Folder of each image as the log writes it."""
        return (self.folder, *(self.side_folders or (self.folder,) * (len(self.images) - 1)))


@dataclass(frozen=True)
class Rejection:
    """Says why a line of the log is not used."""

    line: int
    """Number of the line, counted from 1."""
    field: str
    """Name of the field that is wrong."""
    reason: str
    """Reason in words; the same fault always has the same words, so that they can be counted."""
    got: str = ""
    """The text that was found."""
