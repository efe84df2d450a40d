"""Writes driving logs in the forms that people bring, and keeps what was written.

The texts are made by Python's csv module and by joining; the values are kept as decimal numbers.
Nothing of the reader that is tested is used.
"""

from __future__ import annotations

import csv
import io
import random
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Final

NAMES: Final = ("center", "left", "right", "steering", "throttle", "brake", "speed")
TITLES: Final = {
    "plain": NAMES,
    "titled": ("Center Image", "Left Image", "Right Image", "Steering Angle", "Throttle", "Brake",
               "Speed"),
    "renamed": ("centre_camera", "left_camera", "right_camera", "steer", "gas", "reverse",
                "speed (mph)"),
    "camel": ("centerImg", "leftImg", "rightImg", "SteeringAngle", "Throttle", "Brakes",
              "Velocity"),
}  # fmt: skip
EXTRAS: Final = ("lap", "timestamp", "target speed", "note")
PATHS: Final = {
    "bare": "",
    "relative": "IMG/",
    "windows": "C:\\Users\\Jo\\Desktop\\run\\IMG\\",
    "comma": "C:\\Users\\Doe, Jo\\IMG\\",
    "semicolon": "D:\\a;b\\IMG\\",
    "posix": "/home/jo/my run/IMG/",
    "umlaut": "C:\\Users\\Müller\\IMG\\",
}
SEPARATORS: Final = (",", ";", "\t", "|")
Values = tuple[str, ...]


@dataclass(frozen=True)
class Form:
    """How a log is written."""

    separator: str = ","
    decimal: str = "."
    encoding: str = "utf-8"
    line_end: str = "\n"
    titles: str = ""
    """Key of TITLES, "numbered" for the titles 0, 1, 2 and so on, or "" without a header."""
    order: tuple[int, ...] = tuple(range(7))
    """Order of the columns, as positions in NAMES."""
    index: bool = False
    extras: int = 0
    """Number of further columns, which need titles."""
    open_end: bool = False
    quoting: int = csv.QUOTE_MINIMAL
    """csv.QUOTE_NONE joins the fields as the recorder does, without any quotes."""
    space: bool = False
    path: str = "windows"
    suffix: str = ".jpg"
    cameras: str = "three"
    """"three", "one", or "empty": one, with empty columns for the others."""
    repeat_header: bool = False

    @property
    def split_by_comma(self) -> bool:
        """Tell whether decimal commas split numbers, so that a row may have several readings."""
        return self.separator == self.decimal == "," and self.quoting == csv.QUOTE_NONE


@dataclass
class Written:
    """A log and what was written into it."""

    raw: bytes
    rows: dict[int, tuple[tuple[str, ...], tuple[float, ...]]] = field(default_factory=dict)
    """By line: names of the images, then steering, throttle, brake and speed."""


def numbers(rng: random.Random) -> Values:
    """Return the four numbers of a row as Mono writes a float, with a decimal point."""

    def text(low: float, high: float) -> str:
        kind = rng.random()
        value = 0.0 if kind < 0.3 else high if kind < 0.4 else rng.uniform(low, high)
        value *= 1e-5 if kind > 0.95 else 1.0
        return "0" if value == 0 else f"{value:.7G}"

    return text(-1, 1), text(0, 1), text(0, 1), text(0, 31)


def write(form: Form, values: list[Values], prefix: str = "") -> Written:
    """Write a log with some rows, each of four numbers as text."""
    written = Written(b"")
    lines: list[str] = []
    order = [n for n in form.order if form.cameras != "one" or n not in (1, 2)]
    if form.titles:
        lines.append(_line(form, _header(form, order)))
    for number, row in enumerate(values):
        if form.repeat_header and number == len(values) // 2:
            lines.append(_line(form, _header(form, order)))
        names = [f"{camera}_{prefix}{number:05d}{form.suffix}" for camera in NAMES[:3]]
        paths = [PATHS[form.path] + name for name in names]
        if form.cameras != "three":
            names, paths = names[:1], [paths[0], "", ""]
        cells = [*paths, *(text.replace(".", form.decimal) for text in row)]
        fields = [cells[n] for n in order] + [str(number * 7 % 5) for _ in range(form.extras)]
        lines.append(_line(form, [str(number)] * form.index + fields))
        written.rows[len(lines)] = (tuple(names), tuple(float(Decimal(text)) for text in row))
    written.raw = (form.line_end.join(lines) + form.line_end).encode(form.encoding)
    return written


def _header(form: Form, order: list[int]) -> list[str]:
    if form.titles == "numbered":
        return [""] * form.index + [str(n) for n in range(len(order))]
    titles = [TITLES[form.titles][n] for n in order]
    return [""] * form.index + titles + list(EXTRAS[: form.extras])


def _line(form: Form, fields: list[str]) -> str:
    end = form.separator if form.open_end else ""
    if form.quoting == csv.QUOTE_NONE:
        return (form.separator + " " * form.space).join(fields) + end
    out = io.StringIO()
    csv.writer(out, delimiter=form.separator, quoting=form.quoting, lineterminator="").writerow(
        fields
    )
    return out.getvalue() + end


def random_form(rng: random.Random) -> Form:
    """Return a form in which every row has one meaning, except for decimal commas that split."""
    form = Form(
        separator=rng.choice(SEPARATORS),
        decimal=rng.choice(".,"),
        encoding=rng.choice(["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252"]),
        line_end=rng.choice(["\n", "\r\n", "\r"]),
        titles=rng.choice(["", "", "numbered", *TITLES]),
        open_end=rng.random() < 0.25,
        quoting=rng.choice([csv.QUOTE_NONE, csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
        index=rng.random() < 0.3,
        path=rng.choice(list(PATHS)),
        suffix=rng.choice([".jpg", ".jpg", ".JPG", ".jpeg", ".png"]),
        cameras=rng.choice(["three", "three", "one", "empty"]),
    )
    space = form.quoting == csv.QUOTE_NONE and form.separator != "\t" and rng.random() < 0.3
    form = replace(form, space=space)
    if form.titles in TITLES:
        order = list(form.order)
        if rng.random() < 0.5 and not form.split_by_comma:
            rng.shuffle(order)
        extras = 0 if form.split_by_comma else rng.choice([0, 0, 1, 4])
        form = replace(form, order=tuple(order), extras=extras, repeat_header=rng.random() < 0.3)
    by_position = list(form.order) != list(range(7)) or form.extras
    inside = {"comma": ",", "semicolon": ";"}.get(form.path) == form.separator
    if by_position and inside and form.quoting == csv.QUOTE_NONE:
        form = replace(form, path="windows")
    return form
