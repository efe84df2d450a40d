"""Draws a contact sheet of a dataset: frames spread over it, and frames that show the findings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import cv2
import numpy as np

from contract.dataset.store import ABSENT, StoreReader
from contract.frames import spec
from contract.vehicle import CAMERA_NAMES
from ingest.doctor.finding import format_count
from ingest.overview import canvas
from ingest.overview.canvas import Canvas
from ingest.overview.drive import Drive, format_time

COLUMNS: Final = 6
SPREAD_ROWS: Final = 6
"""Number of strips of frames that are spread over the dataset."""
FRAME_WIDTH_PX: Final = 256
"""Width of a drawn frame: twice the stored one, which gives the camera's proportions back."""
GAP_PX: Final = 8
CAPTION_PX: Final = 24
STRIP_TITLE_PX: Final = 34
HEADER_PX: Final = 92
STRIP_PX: Final = spec.HEIGHT + CAPTION_PX + GAP_PX


def draw_contact_sheet(drive: Drive, reader: StoreReader) -> Canvas:
    """Return the contact sheet of a dataset, RGB (height, width, 3).

    It shows the centre camera in rows that are spread evenly, all cameras of one row, and the first
    rows of each finding that has any.
    """
    count = len(drive.line)
    spread = np.unique(np.linspace(0, count - 1, COLUMNS * SPREAD_ROWS).round().astype(int))
    strips: list[tuple[str, Sequence[tuple[int, str]]]] = [
        ("", [(int(row), "center") for row in spread])
    ]
    middle = _middle_row(reader)
    if middle is not None:
        shown = ("left", "center", "right")
        strips.append(("the cameras: left, centre, right", [(middle, name) for name in shown]))
    for number, mark in enumerate(drive.marks):
        rows = np.flatnonzero(mark.rows)
        if len(rows):
            picked = rows[np.linspace(0, len(rows) - 1, min(COLUMNS, len(rows))).astype(int)]
            title = f"{number + 1}  {mark.name}: {format_count(len(rows), 'row')}"
            strips.append((title, [(int(row), "center") for row in picked]))
    width = 2 * canvas.MARGIN_PX + COLUMNS * (FRAME_WIDTH_PX + GAP_PX) - GAP_PX
    heights = [
        (STRIP_TITLE_PX if title else 0) + -(-len(cells) // COLUMNS) * STRIP_PX
        for title, cells in strips
    ]
    picture = canvas.new_canvas(HEADER_PX + sum(heights) + GAP_PX, width)
    canvas.write_text(picture, drive.title, (canvas.MARGIN_PX, 42), 26, weight=600)
    canvas.write_text(picture, drive.facts, (canvas.MARGIN_PX, 70), 16, canvas.FAINT)
    top = HEADER_PX
    for (title, cells), height in zip(strips, heights, strict=True):
        first = top
        if title:
            canvas.write_text(picture, title, (canvas.MARGIN_PX, top + 22), 18, weight=600)
            first += STRIP_TITLE_PX
        for position, (row, camera) in enumerate(cells):
            line, column = divmod(position, COLUMNS)
            place = (
                first + line * STRIP_PX,
                canvas.MARGIN_PX + column * (FRAME_WIDTH_PX + GAP_PX),
            )
            _draw_cell(picture, place, drive, row, _frame(reader, row, camera))
        top += height
    return picture


def _middle_row(reader: StoreReader) -> int | None:
    """Return the row nearest to the middle that has all cameras, or None if none has."""
    complete = np.all([reader.rows[name] != ABSENT for name in CAMERA_NAMES], axis=0)
    rows = np.flatnonzero(complete)
    return int(rows[len(rows) // 2]) if len(rows) else None


def _frame(reader: StoreReader, row: int, camera: str) -> Canvas:
    """Return a frame in the camera's proportions, RGB (128, 256, 3)."""
    frame = np.empty((1, *spec.SHAPE), np.uint8)
    reader.gather(reader.rows[camera][row : row + 1], frame)
    columns = frame[0].astype(np.uint16)
    following = np.concatenate([columns[:, 1:], columns[:, -1:]], axis=1)
    wide = np.empty((spec.HEIGHT, FRAME_WIDTH_PX, 3), np.uint8)
    wide[:, 0::2], wide[:, 1::2] = columns, (columns + following) // 2
    return wide


def _draw_cell(
    picture: Canvas, place: tuple[int, int], drive: Drive, row: int, frame: Canvas
) -> None:
    """Draw a frame with its line, time and steering below, and a bar as long as the steering."""
    top, left = place
    bottom, right = top + spec.HEIGHT, left + FRAME_WIDTH_PX
    picture[top:bottom, left:right] = frame
    excluded = bool(drive.excluded[row])
    if excluded:
        canvas.tint(picture, slice(top, bottom), slice(left, right), canvas.PAPER, 0.6)
    marks = [number for number, mark in enumerate(drive.marks) if mark.rows[row]]
    for number in marks[:1]:
        colour = canvas.mark_colour(number)
        cv2.rectangle(picture, (left, top), (right - 1, bottom - 1), colour, 3)
    middle = (left + right) // 2
    steering = float(drive.steering[row].clip(-1, 1))
    tip = middle + round(steering * FRAME_WIDTH_PX / 2)
    cv2.line(picture, (middle, bottom - 4), (tip, bottom - 4), canvas.MARKS[3], 5)
    cv2.line(picture, (middle, bottom - 9), (middle, bottom), canvas.PAPER, 1)
    text = f"line {drive.line[row]}  {format_time(drive.time_s[row])}  {steering:+.2f}"
    text += "  excluded" if excluded else ""
    canvas.write_text(picture, text, (left, bottom + 16), 14, canvas.FAINT)
