"""Reads the lines of a driving log whose form is known: a row from each, or its rejection."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from contract.recordings.decimal_comma import possible_readings
from contract.recordings.log_columns import CAMERAS, FIELDS
from contract.recordings.log_form import LogForm, LogPart, name_separator, own_separator
from contract.recordings.log_rows import Rejection, Row
from contract.recordings.log_text import is_image, split_fields
from contract.recordings.steering_unit import MAX_FULL_LOCK

__all__ = ["RANGES", "RANGE_TOLERANCE", "read_part", "steering_beyond_lock"]

RANGE_TOLERANCE: Final = 1e-4
"""A value may exceed its range by this much because of rounding; it is clamped to the range."""
RANGES: Final = ((-1.0, 1.0), (0.0, 1.0), (0.0, 1.0), (0.0, 200.0))
"""Smallest and largest value of each of FIELDS."""
RANGE_BY_NAME: Final = dict(zip(FIELDS, RANGES, strict=True))
NO_READING: Final = "decimal commas that fit no reading"
OUT_OF_RANGE: Final = "not from"


@dataclass(frozen=True)
class _Fields:
    """The fields of a line: paths of the images, and the numbers in the order of the log."""

    line: int
    images: Sequence[str]
    numbers: Sequence[str]


def read_part(part: LogPart, full_lock: float) -> tuple[list[Row], list[Rejection], LogForm]:
    """Read the lines of one form.

    Args:
        part: the lines, and their form except for the decimal commas.
        full_lock: the value of the steering at full lock.

    Returns:
        Rows, rejections, and the form, which now says whether decimal commas split numbers.
    """
    form, rows, rejections = part.form, list[Row](), list[Rejection]()
    split: list[_Fields] = []
    for number, line in part.lines:
        fields = split_fields(line, form.separator)
        found = (
            _split(number, fields)
            if form.columns.positions is None
            else _pick(number, fields, form.columns.positions, form.columns.count)
        )
        if isinstance(found, Rejection):
            rejections.append(found)
        else:
            split.append(found)
    if form.separator == "," and form.columns.positions is None:
        numbers = [fields.numbers for fields in split if fields.images]
        form = dataclasses.replace(form, decimal_comma=_is_decimal_comma(numbers))
    elif any("," in text for fields in split for text in fields.numbers):
        form = dataclasses.replace(form, comma_numbers=True)
    reader = _RowReader(form, full_lock)
    texts = dict(part.lines)
    for index, values in enumerate(split):
        row = reader.read(values)
        if isinstance(row, Rejection):
            rejections.append(_named(row, texts[values.line], form))
        elif index == 0 and not form.header and _is_mangled(values.numbers):
            got = ",".join(values.numbers)
            reason = "pandas took the first line for titles, and changed equal numbers"
            rejections.append(Rejection(values.line, "numbers", reason, got))
        else:
            rows.append(row)
    return rows, rejections, form


def _split(line: int, fields: Sequence[str]) -> _Fields:
    """Split the fields of a line into the paths of its images and its numbers.

    A separator in a path does no harm: the part before it is not the name of an image.
    """
    if len(fields) == 7 and is_image(fields[2]) and is_image(fields[0]) and is_image(fields[1]):
        return _Fields(line, fields[:3], fields[3:])  # nearly all lines
    positions = [position for position, text in enumerate(fields) if is_image(text)]
    numbers = fields[positions[-1] + 1 if positions else 0 :]
    if len(positions) == 1:
        if "" in fields[: positions[0]]:  # it is the image of a side camera
            positions = []
        if list(numbers[:2]) == ["", ""]:  # the side cameras of a centre-only log
            numbers = numbers[2:]
    return _Fields(line, [fields[position] for position in positions], numbers)


def _pick(
    line: int, fields: Sequence[str], positions: dict[str, int], count: int
) -> _Fields | Rejection:
    """Return the fields of a line at the positions that the header gives."""
    while len(fields) > count and not fields[-1]:
        fields = fields[:-1]
    if len(fields) != count:
        reason = f"not the {count} fields that the header names"
        return Rejection(line, "fields", reason, f"{len(fields)}")
    cameras = [camera for camera in CAMERAS if camera in positions]
    images = [fields[positions[camera]] for camera in cameras]
    if not any(images[1:]):
        images = images[:1]
    wrong = [name for name, image in zip(cameras, images, strict=False) if not is_image(image)]
    if wrong:
        got = fields[positions[wrong[0]]]
        return Rejection(line, wrong[0], "not the name of a JPEG or PNG", got)
    return _Fields(line, images, [fields[positions[name]] for name in positions if name in FIELDS])


def _without_open_end(numbers: Sequence[str]) -> Sequence[str]:
    """Return the numbers without the empty fields after them."""
    end = len(numbers)
    while end > len(FIELDS) and not numbers[end - 1]:
        end -= 1
    return numbers[:end]


def _is_decimal_comma(lines: Sequence[Sequence[str]]) -> bool:
    """Return whether the log was written with decimal commas.

    It was if more lines have too many fields than lines have a decimal point. A machine has one
    locale, and one or two damaged lines must not decide for the whole log.
    """
    split_lines = sum(len(_without_open_end(numbers)) > len(FIELDS) for numbers in lines)
    point_lines = sum("." in "".join(numbers) for numbers in lines) if split_lines else 0
    return split_lines > point_lines


class _RowReader:
    """Makes rows of the fields of lines that have one form.

    Args:
        form: the form.
        full_lock: the value of the steering at full lock.
    """

    def __init__(self, form: LogForm, full_lock: float) -> None:
        self._form = form
        self._full_lock = full_lock
        names = form.columns.numbers
        self._columns = [(name, *RANGE_BY_NAME[name]) for name in names]
        self._order = [names.index(name) for name in FIELDS] if names != FIELDS else None
        low, high = RANGE_BY_NAME["steering"]
        ranges = RANGE_BY_NAME | {"steering": (low * full_lock, high * full_lock)}
        self._ranges = [ranges[name] for name in names]

    def read(self, fields: _Fields) -> Row | Rejection:
        """Return the row of a line, or the reason why it is rejected."""
        if len(fields.images) not in (1, 3):
            count = f"{len(fields.images)}"
            return Rejection(fields.line, "images", "not one or three image names", count)
        values = self._values(fields)
        if isinstance(values, Rejection):
            return values
        if self._order is not None:
            values = [values[position] for position in self._order]
        folders, images = [], []
        for path in fields.images:
            folder, _, name = path.replace("\\", "/").rpartition("/")
            folders.append(folder)
            images.append(name)
        sides = tuple(folders[1:]) if folders.count(folders[0]) < len(folders) else ()
        steering, throttle, brake, speed_mph = values
        return Row(
            fields.line,
            tuple(images),
            steering,
            throttle,
            brake,
            speed_mph,
            folder=folders[0],
            side_folders=sides,
        )

    def _values(self, fields: _Fields) -> list[float] | Rejection:
        """Return the numbers of a line in the order of its columns, the steering as -1..1."""
        line, numbers = fields.line, fields.numbers
        if not self._form.decimal_comma or self._form.open_end:
            numbers = _without_open_end(numbers)
        if self._form.decimal_comma and len(numbers) > len(FIELDS):
            readings = possible_readings(numbers, self._ranges)
            if len(readings) != 1:
                reason = "ambiguous decimal commas" if readings else NO_READING
                return Rejection(line, "numbers", reason, ",".join(numbers))
            (reading,) = readings
            return [
                value / self._full_lock if name == "steering" else value
                for (name, _, _), value in zip(self._columns, reading, strict=True)
            ]
        if len(numbers) != len(FIELDS):
            return Rejection(line, "numbers", "not four numbers", ",".join(numbers))
        values = []
        for (name, low, high), text in zip(self._columns, numbers, strict=True):
            value = _number(text)
            if value is None:
                return Rejection(line, name, "not a number", text)
            if name == "steering":
                value /= self._full_lock
            # Written so that NaN, which compares false with everything, is rejected.
            if not low - RANGE_TOLERANCE <= value <= high + RANGE_TOLERANCE:
                scale = self._full_lock if name == "steering" else 1.0
                reason = f"{OUT_OF_RANGE} {low * scale:g} to {high * scale:g}"
                return Rejection(line, name, reason, text)
            values.append(min(max(value, low), high))
        return values


def _number(text: str) -> float | None:
    """Read one number, or return None if it is not one. Its decimal sign is a point or a comma."""
    if "_" in text:  # only Python reads 1_000 as a number
        return None
    try:
        return float(text.replace(",", ".") if "." not in text else text)
    except ValueError:
        return None


def _named(rejection: Rejection, line: str, form: LogForm) -> Rejection:
    """Return the rejection of a line; it names the separator if that is another one."""
    separator = own_separator(line)
    if rejection.field != "images" or separator in ("", form.separator):
        return rejection
    reason = f"not separated by {name_separator(form.separator)} as the other lines"
    return Rejection(rejection.line, "line", reason, name_separator(separator))


def _is_mangled(numbers: Sequence[str]) -> bool:
    """Return whether pandas wrote the numbers as titles.

    It takes the first line for a header unless it is told otherwise. Titles must differ, so it
    writes "0", "0.1" and "0.2" for "0", "0" and "0".
    """
    return len(set(numbers)) == len(numbers) and any(f"{text}.1" in numbers for text in numbers)


def steering_beyond_lock(
    rejections: Sequence[Rejection], full_lock: float
) -> list[tuple[Rejection, float]]:
    """Return the rejections of lines whose steering is beyond the full lock, and that steering."""
    found = []
    for rejection in rejections:
        if rejection.field == "steering" and rejection.reason.startswith(OUT_OF_RANGE):
            value = _number(rejection.got)
            assert value is not None
            if math.isfinite(value):
                found.append((rejection, value))
        elif rejection.reason == NO_READING:
            wide = ((-MAX_FULL_LOCK, MAX_FULL_LOCK), *RANGES[1:])
            readings = possible_readings(rejection.got.split(","), wide)
            found += [(rejection, readings[0][0])] if readings else []
    return [(rejection, value) for rejection, value in found if abs(value) > full_lock]
