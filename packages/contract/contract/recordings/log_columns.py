"""Finds out which column of a driving log holds what, by the titles in its header.

The recorder writes no header and always the same columns. Courses, spreadsheets and pandas add
headers, rename and move columns, and add others, for example an index. A title is taken apart into
words: one word says what the column holds, some words add nothing, and others name a unit.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from contract.errors import RecordingError

__all__ = ["CAMERAS", "FIELDS", "RECORDER", "Columns", "find_columns", "is_header"]

CAMERAS: Final = ("center", "left", "right")
"""Names of the cameras in the order in which the recorder writes their images."""
FIELDS: Final = ("steering", "throttle", "brake", "speed")
"""Names of the numbers in the order in which the recorder writes them."""
ROLES: Final = (*CAMERAS, *FIELDS)

FIRST_CHOICE: Final = {role: role for role in ROLES} | {"centre": "center"}
"""What a column with this word holds."""
SECOND_CHOICE: Final = {
    "steer": "steering", "angle": "steering",
    "gas": "throttle", "accelerator": "throttle",
    "reverse": "brake", "brakes": "brake", "braking": "brake", "break": "brake",
    "velocity": "speed",
    "image": "center", "img": "center", "picture": "center", "filename": "center", "path": "center",
}  # fmt: skip
"""What a column with this word holds if no column has a word of FIRST_CHOICE for it.

The recorder of 2016 called the brake "reverse"."""
ADDING_NOTHING: Final = {
    "image", "images", "img", "picture", "camera", "cam", "path", "paths", "file", "filename",
    "name", "frame", "angle", "command", "value", "input", "position", "pos", "column", "car",
    "normalized", "normalised", "norm",
}  # fmt: skip
"""Words that may stand beside the one that counts."""
UNITS: Final = {
    "deg": "degrees", "degree": "degrees", "degrees": "degrees", "°": "degrees",
    "rad": "radians", "radian": "radians", "radians": "radians",
    "percent": "percent", "pct": "percent", "%": "percent",
    "mph": "mph", "kmh": "km/h", "kph": "km/h", "km": "km/h", "mps": "m/s", "ms": "m/s", "m": "m/s",
    "h": "", "s": "",
}  # fmt: skip
"""Words that name a unit. The "h" of km/h and the "s" of m/s say nothing alone."""
OWN_UNIT: Final = {"speed": "mph"}
WORD: Final = re.compile(r"[a-z]+|[°%]")
MIN_TITLES: Final = 3
"""Number of known titles from which on a line in the middle of a log is a header."""


@dataclass(frozen=True)
class Columns:
    """Says where a line has its images and its numbers."""

    cameras: tuple[str, ...] = CAMERAS
    """Cameras of the images in their order in the line."""
    numbers: tuple[str, ...] = FIELDS
    """Names of the numbers in their order in the line."""
    positions: dict[str, int] | None = None
    """Position of each of them in the line; None if the line ends with the images, in the
    recorder's order, and the numbers. Then they are found even where a path has a separator."""
    count: int = 0
    """Number of columns in the header, without those at its end that have no title."""
    notes: tuple[str, ...] = ()
    """Remarks on the columns that differ from the recorder's."""


RECORDER: Final = Columns()
"""The columns of Udacity's recorder."""


@dataclass(frozen=True)
class _Title:
    """A title in a header."""

    position: int
    text: str
    role: str
    unit: str
    first_choice: bool


def is_header(fields: Sequence[str], *, first: bool) -> bool:
    """Return whether the fields, none of which is an image, are a header.

    Args:
        fields: the fields of a line.
        first: whether it is the first line of the log. There one known title is enough, and the
            numbers that pandas gives to columns without titles are a header, too.
    """
    fields = _without_empty_end(fields)
    titles = [title for title in _titles(fields) if title.role]
    if not first:
        return len({title.role for title in titles}) >= MIN_TITLES
    return bool(titles) or _is_numbered(fields) or _is_foreign(fields)


def find_columns(fields: Sequence[str], *, steering_unit_given: bool) -> Columns:
    """Return the columns that a header names.

    Args:
        fields: the titles.
        steering_unit_given: whether the user says in which unit the steering is; then a title may
            name one.

    Raises:
        RecordingError: a column is missing, two titles mean the same, or a unit is another one.
    """
    fields = _without_empty_end(fields)
    if _is_numbered(fields):
        return RECORDER
    titles = {role: _choose(role, fields, steering_unit_given) for role in ROLES}
    sides = [role for role in CAMERAS[1:] if titles[role] is not None]
    missing = [role for role in ("center", *FIELDS) if titles[role] is None]
    if len(sides) == 1:
        missing += [role for role in CAMERAS[1:] if role not in sides]
    if missing:
        raise RecordingError(
            f"the driving log's header has no column for {' and '.join(missing)}",
            got=", ".join(fields),
            remedy=f"Udacity's recorder writes {', '.join(ROLES)}. Name the columns so, or delete "
            "the header if they are in this order",
        )
    found = sorted(
        (title for title in titles.values() if title is not None), key=lambda title: title.position
    )
    cameras = tuple(title.role for title in found if title.role in CAMERAS)
    numbers = tuple(title.role for title in found if title.role in FIELDS)
    plain = (
        cameras in (CAMERAS, CAMERAS[:1])
        and found[-1].position == len(fields) - 1
        and [title.role for title in found] == [*cameras, *numbers]
        and found[-1].position - found[0].position == len(found) - 1
    )
    return Columns(
        cameras,
        numbers,
        None if plain else {title.role: title.position for title in found},
        len(fields),
        _notes(fields, found),
    )


def _without_empty_end(fields: Sequence[str]) -> Sequence[str]:
    while fields and not fields[-1]:
        fields = fields[:-1]
    return fields


def _titles(fields: Sequence[str]) -> list[_Title]:
    """Return the titles with what they mean; a title that is not understood has the role ""."""
    titles = []
    for position, text in enumerate(fields):
        spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", text).lower()
        words = WORD.findall(spaced.replace("km/h", "kmh").replace("m/s", "mps"))
        units = {UNITS[word] for word in words if word in UNITS} - {""}
        rest = [word for word in words if word not in UNITS]
        firsts = {FIRST_CHOICE[word] for word in rest if word in FIRST_CHOICE}
        seconds = {SECOND_CHOICE[word] for word in rest if word in SECOND_CHOICE}
        known = {*FIRST_CHOICE, *SECOND_CHOICE, *ADDING_NOTHING}
        roles = firsts or seconds
        role = next(iter(roles)) if len(roles) == 1 and known.issuperset(rest) else ""
        unit = next(iter(units)) if len(units) == 1 else "/".join(sorted(units))
        titles.append(_Title(position, text, role, unit, bool(firsts)))
    return titles


def _choose(role: str, fields: Sequence[str], steering_unit_given: bool) -> _Title | None:
    """Return the title that means a role, or None without one."""
    every = [title for title in _titles(fields) if title.role == role]
    choices = [title for title in every if title.first_choice] or every
    own = [title for title in choices if title.unit in ("", OWN_UNIT.get(role, ""))]
    choices = own or choices
    if len(choices) > 1:
        raise RecordingError(
            f"two columns of the driving log may be the {role}",
            got=" and ".join(repr(title.text) for title in choices),
            remedy="Rename or delete all but one of them",
        )
    if not own and choices and not (role == "steering" and steering_unit_given):
        option = (
            "Import it with --steering-unit, which converts it"
            if role == "steering"
            else f"Convert the column to {OWN_UNIT.get(role, 'values from 0 to 1')}, and name it "
            f"{role}"
        )
        raise RecordingError(
            f"a column of the driving log has another unit than the recorder's: {choices[0].unit}",
            got=repr(choices[0].text),
            remedy=option,
        )
    return choices[0] if choices else None


def _is_numbered(fields: Sequence[str]) -> bool:
    """Return whether the titles are 0, 1, 2 and so on, after the empty title of an index."""
    numbers = list(fields[1:] if fields and not fields[0] else fields)
    return len(numbers) > len(FIELDS) and numbers == [str(n) for n in range(len(numbers))]


def _is_foreign(fields: Sequence[str]) -> bool:
    """Return whether the fields are words, so that they must be titles in another language."""
    words = [text for text in fields if re.search(r"[^\W\d_]", text) and not _is_number(text)]
    return len(words) > len(FIELDS) and len(words) >= len(fields) - 1


def _is_number(text: str) -> bool:
    try:
        float(text.replace(",", "."))
    except ValueError:
        return False
    return True


def _notes(fields: Sequence[str], found: Sequence[_Title]) -> tuple[str, ...]:
    renamed = [
        f"{title.role} from {title.text!r}" for title in found if title.text.lower() != title.role
    ]
    used = {title.position for title in found}
    extra = [repr(text) for position, text in enumerate(fields) if text and position not in used]
    notes = []
    if renamed:
        notes.append(f"columns by their titles: {', '.join(renamed)}")
    if extra:
        notes.append(f"columns that are not used: {', '.join(extra)}")
    return tuple(notes)
