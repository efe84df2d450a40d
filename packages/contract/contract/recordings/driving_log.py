"""Reads a driving_log.csv: rows as the recorder meant them, or the reason why one is refused."""

from __future__ import annotations

import codecs
import csv
import dataclasses
import math
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from contract.errors import RecordingError
from contract.recordings.decimal_comma import possible_readings

__all__ = ["RANGES", "Log", "Rejection", "Row", "read", "with_images", "without_missing_sides"]

FIELDS: Final = ("steering", "throttle", "brake", "speed")
SLACK: Final = 1e-4
"""Floats in a log overshoot their range by rounding; values within this are clamped."""
RANGES: Final = ((-1.0, 1.0), (0.0, 1.0), (0.0, 1.0), (0.0, 200.0))
COLUMNS: Final = ["center", "left", "right", *FIELDS]
IMAGE: Final = re.compile(r".*\.jpe?g", re.IGNORECASE)
LINE_END: Final = re.compile(r"\r\n|\r|\n")
"""str.splitlines would also split at characters that old encodings have in folder names."""
STAMP: Final = re.compile(r"_(\d{4}(?:_\d\d){5}_\d{3})\.")


@dataclass(frozen=True)
class Row:
    """One line of the log."""

    line: int
    """From 1."""
    images: tuple[str, ...]
    """File names: centre, or centre, left and right."""
    steering: float
    """-1..1, right is positive."""
    throttle: float
    brake: float
    speed_mph: float

    @property
    def time_s(self) -> float:
        """The file name's time stamp, seconds since 1970 read as UTC; NaN where it has none."""
        match = STAMP.search(self.images[0])
        if match is None:
            return math.nan
        try:
            moment = datetime.strptime(match[1] + "000", "%Y_%m_%d_%H_%M_%S_%f")
        except ValueError:  # such as a month 13
            return math.nan
        return moment.replace(tzinfo=UTC).timestamp()


@dataclass(frozen=True)
class Rejection:
    """A line that is not used, and why."""

    line: int
    field: str
    reason: str
    """The same words for the same fault, so that they can be counted."""
    got: str = ""


@dataclass
class Log:
    """What a driving log says."""

    rows: list[Row] = field(default_factory=list)
    rejections: list[Rejection] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def images(self) -> list[str]:
        """Return the names of the images that the rows list."""
        return [image for row in self.rows for image in row.images]


def read(raw: bytes) -> Log:
    """Read a whole log; a bad line becomes a rejection, never an exception.

    Raises:
        RecordingError: the file has no row at all, or a header of other columns.
    """
    log = Log()
    lines = []
    for number, line in enumerate(LINE_END.split(_text(raw)), 1):
        if "\0" in line:  # a power cut leaves them at a file's end
            log.rejections.append(Rejection(number, "line", "zero bytes"))
        elif any(fields := _fields(line)):
            lines.append((number, fields))
    if lines and "steering" in lines[0][1] and not any(map(IMAGE.fullmatch, lines[0][1])):
        _check_header(lines.pop(0)[1])
        log.notes.append("header line")
    if not lines and not log.rejections:
        raise RecordingError("the driving log is empty", remedy="Record a lap first")
    parts = [(number, *_split(fields)) for number, fields in lines]
    comma = _is_decimal_comma([numbers for _, _, numbers in parts])
    if comma:
        log.notes.append("decimal comma: numbers were rejoined by their ranges")
    for number, images, numbers in parts:
        found = _row(number, images, numbers, comma)
        if isinstance(found, Row):
            log.rows.append(found)
        else:
            log.rejections.append(found)
    return log


def without_missing_sides(log: Log, images: Collection[str]) -> Log:
    """Return the log as that of a centre camera if none of the side cameras' images is there.

    Many recordings are handed on without them. Where some are there, a missing one is a fault.
    """
    sides = {name for row in log.rows for name in row.images[1:]}
    if not sides or not sides.isdisjoint(images):
        return log
    rows = [dataclasses.replace(row, images=row.images[:1]) for row in log.rows]
    return Log(rows, log.rejections, [*log.notes, "no side camera's image is there: centre only"])


def with_images(log: Log, images: Collection[str]) -> list[Row]:
    """Return the rows all of whose images are there: what ingest takes, where each is sound."""
    return [row for row in log.rows if all(image in images for image in row.images)]


def _text(raw: bytes) -> str:
    """Decode a log: UTF-8 as the recorder writes it, or what an editor made of it."""
    if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return raw.decode("utf-16", errors="replace")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        return raw.decode("latin-1")  # paths of old Windows machines; our own fields are ASCII


def _fields(line: str) -> list[str]:
    """Split a line at commas outside quotes, and trim the fields."""
    try:
        fields = next(csv.reader([line], skipinitialspace=True), [])
    except csv.Error:
        return [line.strip()]
    return [each.strip() for each in fields]


def _check_header(fields: Sequence[str]) -> None:
    if list(fields) not in (COLUMNS, [COLUMNS[0], *FIELDS]):
        raise RecordingError(
            "the driving log's header names other columns",
            got=", ".join(fields),
            remedy=f"Udacity's recorder writes {', '.join(COLUMNS)}",
        )


def _split(fields: Sequence[str]) -> tuple[list[str], list[str]]:
    """Part a line into image names and numbers.

    Only the file's name counts, so a comma within a path does no harm: what precedes it in the
    line is no image name.
    """
    places = [place for place, each in enumerate(fields) if IMAGE.fullmatch(each)]
    images = [re.split(r"[\\/]", fields[place])[-1] for place in places]
    numbers = list(fields[places[-1] + 1 if places else 0 :])
    while numbers and not numbers[0]:  # the empty side cameras of a centre-only log
        numbers.pop(0)
    return images, numbers


def _is_decimal_comma(rows: Sequence[Sequence[str]]) -> bool:
    """Tell whether numbers were split: lines with too many fields outnumber those with a point.

    A machine has one locale; a damaged line or two must not decide for the whole log.
    """
    split = sum(len(numbers) > len(FIELDS) for numbers in rows)
    pointed = sum(any("." in each for each in numbers) for numbers in rows)
    return split > pointed


def _row(line: int, images: list[str], numbers: list[str], comma: bool) -> Row | Rejection:
    if len(images) not in (1, 3):
        return Rejection(line, "images", "not one or three image names", f"{len(images)}")
    if comma and len(numbers) > len(FIELDS):
        ways = possible_readings(numbers, RANGES)
        if len(ways) != 1:
            reason = "ambiguous decimal commas" if ways else "decimal commas that fit no reading"
            return Rejection(line, "numbers", reason, ",".join(numbers))
        return Row(line, tuple(images), *ways[0])
    if len(numbers) != len(FIELDS):
        return Rejection(line, "numbers", "not four numbers", ",".join(numbers))
    values = []
    for name, text, (low, high) in zip(FIELDS, numbers, RANGES, strict=True):
        value = _number(text)
        if value is None:
            return Rejection(line, name, "not a number", text)
        if not low - SLACK <= value <= high + SLACK:  # so that NaN is refused
            return Rejection(line, name, f"not from {low:g} to {high:g}", text)
        values.append(min(max(value, low), high))
    return Row(line, tuple(images), *values)


def _number(text: str) -> float | None:
    """Read one number; a quoted field may carry a decimal comma."""
    if "_" in text:  # Python's own habit: 1_000
        return None
    try:
        return float(text.replace(",", ".") if "." not in text else text)
    except ValueError:
        return None
