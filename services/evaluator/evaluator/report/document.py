"""Defines the blocks of a report: sections with paragraphs, tables, figures and videos.

Texts are plain, except `words between backticks`, which are commands and names of files.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

MISSING: Final = "–"
"""Sign for a value that is not defined."""
CODE_PATTERN: Final = re.compile(r"`([^`]+)`")


@dataclass(frozen=True)
class Paragraph:
    """A paragraph of text."""

    text: str
    tone: Literal["plain", "missing", "warning"] = "plain"
    """missing: something was not made yet, and how to make it; warning: a reader must notice it."""


@dataclass(frozen=True)
class Tile:
    """One of the main numbers of the report, with a label and a note."""

    label: str
    value: str
    note: str


@dataclass(frozen=True)
class Tiles:
    """Tiles side by side."""

    tiles: tuple[Tile, ...]


@dataclass(frozen=True)
class Table:
    """A table whose rows have the same number of cells as the head."""

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    caption: str
    source: str
    """Path of the file that the numbers come from, relative to the version's folder."""
    words: int = 1
    """Number of columns, from the left, that hold words; the others hold numbers, right-aligned."""
    wide: tuple[int, ...] = ()
    """Numbers of the columns whose words may need more than one line."""


@dataclass(frozen=True)
class Figure:
    """An image with a caption."""

    file: str
    """Path of the PNG, relative to the report's folder."""
    caption: str
    source: str
    """Path of the image or of its data, relative to the version's folder."""


@dataclass(frozen=True)
class Video:
    """A video, a faster and smaller excerpt for the page, and stills for paper."""

    file: str
    """Path of the MP4, relative to the report's folder."""
    excerpt: str
    """Path of the MP4 at video_excerpt.SPEED_UP times the speed."""
    stills: str
    """Path of the PNG, relative to the report's folder."""
    caption: str
    source: str


Block: TypeAlias = Paragraph | Tiles | Table | Figure | Video


@dataclass(frozen=True)
class Section:
    """A section, which answers one question about a version."""

    key: str
    """Anchor for links."""
    title: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True)
class Report:
    """A whole report."""

    title: str
    subtitle: str
    sections: tuple[Section, ...]


def split_code(text: str) -> list[tuple[str, bool]]:
    """Return the parts of a text, and for each whether it was between backticks."""
    parts = CODE_PATTERN.split(text)
    return [(part, bool(format_number % 2)) for format_number, part in enumerate(parts) if part]


def slug(text: str) -> str:
    """Return a text in a form that a file name or a link can hold."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-") or "x"


def format_number(value: float | None, form: str, unit: str = "") -> str:
    """Format a value with its unit, or return MISSING for None."""
    return MISSING if value is None else f"{value:{form}}{unit}".replace("-", "−")
