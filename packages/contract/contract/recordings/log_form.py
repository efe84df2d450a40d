"""Finds out how a driving log was written: its separator, its columns and its decimal sign.

A log has one form, or one for each header in it: somebody may have put several logs together. The
form is found once, and each line is then read by it. A form that is not certain is an error, which
names what was found; it is never guessed.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from contract.errors import RecordingError
from contract.recordings.log_columns import RECORDER, Columns, find_columns, is_header
from contract.recordings.log_text import is_image, split_fields

__all__ = ["LogForm", "LogPart", "name_separator", "notes_on", "own_separator", "split_parts"]

SEPARATORS: Final = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "vertical bars"}
AFTER_IMAGE: Final = re.compile(r"\.(?:jpe?g|png)\"?( *)([^\s\w.\\/\"-]|\t|)", re.IGNORECASE)
"""What follows the name of an image: spaces, and the separator unless it is the spaces."""
DIRECTIVE: Final = re.compile(r"\"?sep=(.)\"?", re.IGNORECASE)
"""A first line that tells spreadsheets the separator."""
SAMPLE_LINES: Final = 200
"""Number of lines of a part that decide on its separator."""
MIN_OPEN_ENDS: Final = 0.9
"""If this share of the lines ends with a separator, the separator belongs to the form."""


@dataclass(frozen=True)
class LogForm:
    """Says how the lines of a log, or of a part of it, are read."""

    separator: str
    """The character between two fields."""
    columns: Columns = RECORDER
    """What the fields hold."""
    header: bool = False
    """Whether a header names the columns."""
    decimal_comma: bool = False
    """Whether decimal commas split numbers, because the separator is a comma, too."""
    comma_numbers: bool = False
    """Whether numbers have a decimal comma that does not split them."""
    open_end: bool = False
    """Whether the lines end with a separator."""


@dataclass
class LogPart:
    """Holds the lines of a log that have one form."""

    form: LogForm
    lines: list[tuple[int, str]] = field(default_factory=list)
    """Number of each line, counted from 1, and its text."""


def split_parts(lines: Iterable[tuple[int, str]], *, steering_unit_given: bool) -> list[LogPart]:
    """Split the lines of a log at its headers, and find the form of each part.

    Args:
        lines: number and text of each line that is not empty.
        steering_unit_given: whether the user says in which unit the steering is.

    Returns:
        Parts that have lines; the decimal commas are still to be found.

    Raises:
        RecordingError: a header does not say where each value is, or the separator is unknown.
    """
    parts = [LogPart(LogForm(","))]
    for number, line in lines:
        first = not parts[0].lines and len(parts) == 1
        if first and DIRECTIVE.fullmatch(line.strip()):
            continue
        if _names_image(line):
            parts[-1].lines.append((number, line))
            continue
        separator = max(SEPARATORS, key=line.count)
        fields = split_fields(line, separator)
        if not is_header(fields, first=first):
            parts[-1].lines.append((number, line))
        else:
            columns = find_columns(fields, steering_unit_given=steering_unit_given)
            parts.append(LogPart(LogForm(separator, columns, header=True)))
    return [_with_separator(part) for part in parts if part.lines]


def _names_image(line: str) -> bool:
    text = line.lower()
    return ".jp" in text or ".png" in text


def _with_separator(part: LogPart) -> LogPart:
    """Return the part with its separator, which is the one after the names of the images."""
    sample = part.lines[:SAMPLE_LINES]
    counts = Counter(found for _, line in sample for found in set(_separators(line)))
    if not counts:  # no image is followed by anything
        return part
    separator = counts.most_common(1)[0][0]
    if separator not in SEPARATORS:
        raise RecordingError(
            "the fields of the driving log are separated by a character that is not known",
            got=name_separator(separator),
            remedy=f"Save it with {', '.join(SEPARATORS.values())} between the fields",
        )
    lines = [split_fields(line, separator) for _, line in sample]
    ends = sum(fields[-1] == "" and any(map(is_image, fields)) for fields in lines)
    open_end = len(lines) > 1 and ends >= MIN_OPEN_ENDS * len(lines)
    return LogPart(replace(part.form, separator=separator, open_end=open_end), part.lines)


def _separators(line: str) -> list[str]:
    """Return what follows the names of the images in a line, where anything follows."""
    pairs = AFTER_IMAGE.findall(line.strip())
    return [character or " " for spaces, character in pairs if spaces or character]


def own_separator(line: str) -> str:
    """Return the character after the first image name of a line; "" if there is none."""
    return next(iter(_separators(line)), "")


def name_separator(separator: str) -> str:
    """Return the name of a separator, such as "semicolons"."""
    return SEPARATORS.get(separator, "spaces" if separator == " " else repr(separator))


def notes_on(forms: Sequence[LogForm]) -> list[str]:
    """Return notes on what the forms of a log's parts have of their own."""
    notes = []
    headers = sum(form.header for form in forms)
    if headers:
        notes.append("header line" if headers == 1 else f"{headers} header lines")
    separators = {form.separator: None for form in forms if form.separator != ","}
    notes += [f"fields separated by {name_separator(separator)}" for separator in separators]
    if any(form.decimal_comma for form in forms):
        notes.append("decimal comma: numbers were rejoined by their ranges")
    if any(form.comma_numbers for form in forms):
        notes.append("decimal comma: numbers are written with it")
    return [*notes, *{note: None for form in forms for note in form.columns.notes}]
