"""Reads a driving_log.csv into rows, with the reason for each line that is rejected."""

from __future__ import annotations

import codecs
import csv
import dataclasses
import math
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import Final

from contract.errors import RecordingError
from contract.recordings.decimal_comma import possible_readings

__all__ = ["RANGES", "Log", "Rejection", "Row", "read", "with_images", "without_missing_sides"]

FIELDS: Final = ("steering", "throttle", "brake", "speed")
RANGE_TOLERANCE: Final = 1e-4
"""A value may exceed its range by this much because of rounding; it is clamped to the range."""
RANGES: Final = ((-1.0, 1.0), (0.0, 1.0), (0.0, 1.0), (0.0, 200.0))
"""Smallest and largest value of each of FIELDS."""
COLUMNS: Final = ["center", "left", "right", *FIELDS]
IMAGE: Final = re.compile(r".*\.jpe?g", re.IGNORECASE)
LINE_END: Final = re.compile(r"\r\n|\r|\n")
"""Ends of lines; str.splitlines would also split at characters of old encodings in folder names."""
TIME_STAMP: Final = re.compile(r"_(\d{4}(?:_\d\d){5}_\d{3})\.")


@dataclass(frozen=True)
class Row:
    """Holds the values of one line of the log."""

    line: int
    """Number of the line, counted from 1."""
    images: tuple[str, ...]
    """File names of the images: centre, or centre, left and right."""
    steering: float
    """Steering command, -1..1; right is positive."""
    throttle: float
    """0..1."""
    brake: float
    """0..1."""
    speed_mph: float
    folder: str = field(default="", kw_only=True)
    """Folder of the centre image as the log writes it, "" without one."""
    session: int = field(default=0, kw_only=True)
    """Number of the session that the row belongs to, from 0; see row_order.py."""

    @cached_property
    def time_s(self) -> float:
        """Time stamp of the file name in seconds since 1970, read as UTC; NaN without one."""
        match = TIME_STAMP.search(self.images[0])
        if match is None:
            return math.nan
        try:
            moment = datetime.strptime(match[1] + "000", "%Y_%m_%d_%H_%M_%S_%f")
        except ValueError:  # for example month 13
            return math.nan
        return moment.replace(tzinfo=UTC).timestamp()


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


@dataclass
class Log:
    """Holds the rows of a driving log, its rejected lines, and notes on its format."""

    rows: list[Row] = field(default_factory=list)
    rejections: list[Rejection] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def images(self) -> list[str]:
        """Return the file names of all images in the rows."""
        return [image for row in self.rows for image in row.images]


def read(raw: bytes) -> Log:
    """Read a whole log; a bad line becomes a rejection and never raises an error.

    Raises:
        RecordingError: the file has no rows, or its header names other columns.
    """
    log = Log()
    lines = []
    for number, line in enumerate(LINE_END.split(_text(raw)), 1):
        if "\0" in line:  # a power cut leaves zero bytes at the end of a file
            log.rejections.append(Rejection(number, "line", "zero bytes"))
        elif any(fields := _fields(line)):
            lines.append((number, fields))
    if lines and "steering" in lines[0][1] and not any(map(IMAGE.fullmatch, lines[0][1])):
        _check_header(lines.pop(0)[1])
        log.notes.append("header line")
    if not lines and not log.rejections:
        raise RecordingError("the driving log is empty", remedy="Record a lap first")
    parts = [(number, *_split(fields)) for number, fields in lines]
    decimal_comma = _is_decimal_comma([numbers for *_, numbers in parts])
    if decimal_comma:
        log.notes.append("decimal comma: numbers were rejoined by their ranges")
    for number, folder, images, numbers in parts:
        row = _row(number, images, numbers, decimal_comma)
        if isinstance(row, Row):
            log.rows.append(dataclasses.replace(row, folder=folder))
        else:
            log.rejections.append(row)
    return log


def without_missing_sides(log: Log, images: Collection[str]) -> Log:
    """Return the log without side cameras if none of the side cameras' images exists.

    Many recordings are passed on without them. If some of them exist, a missing one is a fault.

    Args:
        log: the driving log.
        images: file names of the images that exist.
    """
    sides = {name for row in log.rows for name in row.images[1:]}
    if not sides or not sides.isdisjoint(images):
        return log
    rows = [dataclasses.replace(row, images=row.images[:1]) for row in log.rows]
    return Log(rows, log.rejections, [*log.notes, "no side camera's image is there: centre only"])


def with_images(log: Log, images: Collection[str]) -> list[Row]:
    """Return the rows whose images all exist; ingest imports these if their images are sound."""
    return [row for row in log.rows if all(image in images for image in row.images)]


def _text(raw: bytes) -> str:
    """Decode a log, which the recorder writes as UTF-8; an editor may have saved it as UTF-16."""
    if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return raw.decode("utf-16", errors="replace")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        return raw.decode("latin-1")  # paths of old Windows machines; the other fields are ASCII


def _fields(line: str) -> list[str]:
    """Split a line at commas outside quotes, and remove spaces around the fields."""
    try:
        fields = next(csv.reader([line], skipinitialspace=True), [])
    except csv.Error:
        return [line.strip()]
    return [text.strip() for text in fields]


def _check_header(fields: Sequence[str]) -> None:
    if list(fields) not in (COLUMNS, [COLUMNS[0], *FIELDS]):
        raise RecordingError(
            "the driving log's header names other columns",
            got=", ".join(fields),
            remedy=f"Udacity's recorder writes {', '.join(COLUMNS)}",
        )


def _split(fields: Sequence[str]) -> tuple[str, list[str], list[str]]:
    """Split the fields of a line into the first image's folder, the image names and the numbers.

    Only the file name of a path is used. A comma in a path does no harm: the part before it is not
    the name of an image.
    """
    positions = [position for position, text in enumerate(fields) if IMAGE.fullmatch(text)]
    paths = [re.split(r"[\\/]", fields[position]) for position in positions]
    images = [parts[-1] for parts in paths]
    folder = "/".join(paths[0][:-1]) if paths else ""
    numbers = list(fields[positions[-1] + 1 if positions else 0 :])
    while numbers and not numbers[0]:  # the empty side cameras of a centre-only log
        numbers.pop(0)
    return folder, images, numbers


def _is_decimal_comma(rows: Sequence[Sequence[str]]) -> bool:
    """Return whether the log was written with decimal commas.

    It was if more lines have too many fields than lines have a decimal point. A machine has one
    locale, and one or two damaged lines must not decide for the whole log.
    """
    split_lines = sum(len(numbers) > len(FIELDS) for numbers in rows)
    point_lines = sum(any("." in number for number in numbers) for numbers in rows)
    return split_lines > point_lines


def _row(line: int, images: list[str], numbers: list[str], decimal_comma: bool) -> Row | Rejection:
    """Return the row of a line, or the reason why it is rejected."""
    if len(images) not in (1, 3):
        return Rejection(line, "images", "not one or three image names", f"{len(images)}")
    if decimal_comma and len(numbers) > len(FIELDS):
        readings = possible_readings(numbers, RANGES)
        if len(readings) != 1:
            reason = (
                "ambiguous decimal commas" if readings else "decimal commas that fit no reading"
            )
            return Rejection(line, "numbers", reason, ",".join(numbers))
        return Row(line, tuple(images), *readings[0])
    if len(numbers) != len(FIELDS):
        return Rejection(line, "numbers", "not four numbers", ",".join(numbers))
    values = []
    for name, text, (low, high) in zip(FIELDS, numbers, RANGES, strict=True):
        value = _number(text)
        if value is None:
            return Rejection(line, name, "not a number", text)
        # Written so that NaN, which compares false with everything, is rejected.
        if not low - RANGE_TOLERANCE <= value <= high + RANGE_TOLERANCE:
            return Rejection(line, name, f"not from {low:g} to {high:g}", text)
        values.append(min(max(value, low), high))
    return Row(line, tuple(images), *values)


def _number(text: str) -> float | None:
    """Read one number, or return None if it is not one; a quoted field may have a decimal comma."""
    if "_" in text:  # only Python reads 1_000 as a number
        return None
    try:
        return float(text.replace(",", ".") if "." not in text else text)
    except ValueError:
        return None
