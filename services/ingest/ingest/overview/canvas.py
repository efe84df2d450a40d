"""What the pictures of a dataset have in common: colours, text, and how they are written."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from contract.files import atomic_files

Canvas = npt.NDArray[np.uint8]
Colour = tuple[int, int, int]

PAPER: Final[Colour] = (252, 252, 250)
INK: Final[Colour] = (33, 37, 43)
FAINT: Final[Colour] = (106, 115, 125)
RULE: Final[Colour] = (216, 221, 227)
LINE: Final[Colour] = (0, 114, 178)
EXCLUDED: Final[Colour] = (150, 150, 150)
MARKS: Final[tuple[Colour, ...]] = (
    (213, 94, 0),
    (0, 158, 115),
    (204, 121, 167),
    (230, 159, 0),
    (86, 180, 233),
)
"""Colours of the findings, in their order; from the sixth on they begin again.

They are Okabe and Ito's, which people with any colour vision can tell apart. Each mark also has its
number, so that a grey print can be read."""
MARGIN_PX: Final = 24


def new_canvas(height: int, width: int) -> Canvas:
    """Return an empty picture, RGB (height, width, 3)."""
    return np.full((height, width, 3), PAPER, dtype=np.uint8)


def mark_colour(number: int) -> Colour:
    """Return the colour of a finding, by its number from 0."""
    return MARKS[number % len(MARKS)]


def write_text(
    canvas: Canvas,
    text: str,
    place: tuple[int, int],
    size_px: int = 16,
    colour: Colour = INK,
    weight: int = 400,
) -> int:
    """Write a line of text whose base line begins at (x, y), and return the x where it ends.

    A text that is too long for the canvas is cut off at its edge.
    """
    flags = cv2.PUT_TEXT_ALIGN_LEFT
    wrap = (0, 1 << 20)  # Without it, OpenCV goes on in the next line.
    (x, _), _ = cv2.putText(
        canvas, text, place, colour, cv2.FontFace(), size_px, weight, flags, wrap
    )
    return int(x)


def tint(canvas: Canvas, rows: slice, columns: slice, colour: Colour, share: float) -> None:
    """Mix a colour into a part of the canvas; `share` is that of the colour, 0..1."""
    part = canvas[rows, columns].astype(np.float32)
    canvas[rows, columns] = (part + share * (np.array(colour) - part)).round().astype(np.uint8)


def write_png(path: Path, canvas: Canvas) -> None:
    """Write a picture, and replace the one that was there.

    Raises:
        OSError: it cannot be written.
    """
    atomic_files.make_folder(path.parent)
    _, content = cv2.imencode(".png", cv2.cvtColor(canvas, cv2.COLOR_RGB2BGR))
    atomic_files.write_bytes(path, content.tobytes())
