"""The vocabulary of a report: sections of paragraphs, tables, figures and films.

Texts are plain, but for `words between backticks`, which are commands and names of files.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

MISSING: Final = "–"
"""Stands for a value that is not defined."""
CODE: Final = re.compile(r"`([^`]+)`")


@dataclass(frozen=True)
class Paragraph:
    """Some sentences."""

    text: str
    tone: Literal["plain", "missing", "warning"] = "plain"
    """missing: what was not made yet, and how to make it; warning: what a reader must not miss."""


@dataclass(frozen=True)
class Tile:
    """A figure that is to be seen first."""

    label: str
    value: str
    note: str


@dataclass(frozen=True)
class Tiles:
    """Figures side by side."""

    tiles: tuple[Tile, ...]


@dataclass(frozen=True)
class Table:
    """Rows of as many cells as the head has."""

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    caption: str
    source: str
    """The file that the figures come from, relative to the version's folder."""
    words: int = 1
    """How many columns, from the left, are words; the others are figures, set to the right."""
    wide: tuple[int, ...] = ()
    """Columns whose words may need more than one line."""


@dataclass(frozen=True)
class Figure:
    """A picture."""

    file: str
    """PNG, relative to the report's folder."""
    caption: str
    source: str
    """The file that it was drawn from, or that it is; relative to the version's folder."""


@dataclass(frozen=True)
class Film:
    """A film, a quicker one for the page, and stills for paper."""

    file: str
    """MP4, relative to the report's folder."""
    quick: str
    """The same at digest.QUICKER times the speed."""
    stills: str
    """PNG, relative to the report's folder."""
    caption: str
    source: str


Block: TypeAlias = Paragraph | Tiles | Table | Figure | Film


@dataclass(frozen=True)
class Section:
    """One question about a version, and the answer."""

    key: str
    """For links."""
    title: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True)
class Report:
    """The whole."""

    title: str
    subtitle: str
    sections: tuple[Section, ...]


def spans(text: str) -> list[tuple[str, bool]]:
    """Return the parts of a text, each with whether it stood between backticks."""
    parts = CODE.split(text)
    return [(part, bool(number % 2)) for number, part in enumerate(parts) if part]


def slug(text: str) -> str:
    """Return a text as it may stand in a file's name or a link."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-") or "x"


def number(value: float | None, form: str, unit: str = "") -> str:
    """Write a value, or what stands for none."""
    return MISSING if value is None else f"{value:{form}}{unit}".replace("-", "−")
