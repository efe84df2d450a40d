"""Draws the steering of a dataset over time, with the findings and what is excluded."""

from __future__ import annotations

import textwrap
from typing import Final

import cv2
import numpy as np

from ingest.overview import canvas
from ingest.overview.canvas import Canvas
from ingest.overview.drive import Drive, format_time

WIDTH_PX: Final = 1600
PANEL_PX: Final = 200
"""Height of a panel, from -1 to +1."""
LABELS_PX: Final = 46
"""Height of the labels below a panel."""
HEADER_PX: Final = 96
LEGEND_LINE_PX: Final = 24
LEFT_PX: Final = 64
"""Width of the labels beside a panel."""
PANEL_SECONDS: Final = (60, 120, 300, 600, 1800, 3600)
"""Times that a panel may show: the shortest that needs at most MAX_PANELS."""
MAX_PANELS: Final = 8
TICKS: Final = 6
"""Number of labelled times of a panel, without the first."""
LEGEND_CHARS: Final = 170
MIN_MARK_PX: Final = 3


def draw_steering(drive: Drive) -> Canvas:
    """Return a picture of the steering over time, RGB (height, 1600, 3)."""
    total_s = float(drive.time_s[-1])
    panel_s = next(
        (float(s) for s in PANEL_SECONDS if total_s <= s * MAX_PANELS),
        total_s / MAX_PANELS,
    )
    panels = max(1, int(np.ceil(total_s / panel_s)))
    legend = _legend(drive)
    height = HEADER_PX + panels * (PANEL_PX + LABELS_PX) + len(legend) * LEGEND_LINE_PX + 24
    picture = canvas.new_canvas(height, WIDTH_PX)
    canvas.write_text(picture, drive.title, (canvas.MARGIN_PX, 42), 26, weight=600)
    canvas.write_text(picture, drive.facts, (canvas.MARGIN_PX, 72), 17, canvas.FAINT)
    panel = np.minimum((drive.time_s / panel_s).astype(np.int64), panels - 1)
    for number in range(panels):
        top = HEADER_PX + number * (PANEL_PX + LABELS_PX)
        _draw_panel(picture, top, drive, np.flatnonzero(panel == number), number, panel_s)
    y = height - len(legend) * LEGEND_LINE_PX
    for text, colour in legend:
        canvas.write_text(picture, text, (canvas.MARGIN_PX, y), 16, colour)
        y += LEGEND_LINE_PX
    return picture


def _draw_panel(
    picture: Canvas,
    top: int,
    drive: Drive,
    rows: np.ndarray[tuple[int], np.dtype[np.int64]],
    number: int,
    panel_s: float,
) -> None:
    """Draw the rows of one panel, whose upper edge is at `top`."""
    width = WIDTH_PX - LEFT_PX - canvas.MARGIN_PX
    start_s = number * panel_s
    x = LEFT_PX + (drive.time_s[rows] - start_s) / panel_s * width
    y = top + (1 - drive.steering[rows].clip(-1, 1)) / 2 * PANEL_PX
    for value, name in ((1, "+1 right"), (0, "0"), (-1, "-1 left")):
        level = round(top + (1 - value) / 2 * PANEL_PX)
        cv2.line(picture, (LEFT_PX, level), (LEFT_PX + width, level), canvas.RULE, 1)
        canvas.write_text(picture, name, (4, level + 5), 13, canvas.FAINT)
    _draw_ticks(picture, top + PANEL_PX, drive, rows, start_s, panel_s)
    if not len(rows):
        return
    for index, mark in enumerate(drive.marks):
        _shade(picture, top, x, mark.rows[rows], canvas.mark_colour(index), str(index + 1))
    _shade(picture, top, x, drive.excluded[rows], canvas.EXCLUDED, "")
    points = np.round(np.column_stack([x, y]) * 16).astype(np.int32)
    breaks = np.flatnonzero(np.diff(drive.segment[rows])) + 1
    for part, gray in zip(
        np.split(points, breaks), np.split(drive.excluded[rows], breaks), strict=True
    ):
        cv2.polylines(picture, [part[:, None]], False, canvas.LINE, 1, cv2.LINE_AA, 4)
        for first, last in zip(part[:-1][gray[:-1]], part[1:][gray[:-1]], strict=True):
            cv2.line(picture, first, last, canvas.EXCLUDED, 2, cv2.LINE_AA, 4)
    for column in np.round(x[breaks]).astype(int).tolist():
        for dash in range(top, top + PANEL_PX, 8):
            cv2.line(picture, (column, dash), (column, dash + 3), canvas.FAINT, 1)


def _draw_ticks(
    picture: Canvas,
    bottom: int,
    drive: Drive,
    rows: np.ndarray[tuple[int], np.dtype[np.int64]],
    start_s: float,
    panel_s: float,
) -> None:
    """Write the times below a panel, and the line of the log of the row at each time."""
    width = WIDTH_PX - LEFT_PX - canvas.MARGIN_PX
    for tick in range(TICKS):
        time_s = start_s + tick * panel_s / TICKS
        if tick and (not len(rows) or time_s > drive.time_s[rows[-1]]):
            return
        column = round(LEFT_PX + tick * width / TICKS)
        cv2.line(picture, (column, bottom), (column, bottom + 5), canvas.FAINT, 1)
        text = format_time(time_s)
        if len(rows):
            row = rows[min(int(np.searchsorted(drive.time_s[rows], time_s)), len(rows) - 1)]
            text += f"  line {drive.line[row]}"
        canvas.write_text(picture, text, (column + 3, bottom + 18), 14, canvas.FAINT)


def _shade(
    picture: Canvas,
    top: int,
    x: np.ndarray[tuple[int], np.dtype[np.float64]],
    marked: np.ndarray[tuple[int], np.dtype[np.bool_]],
    colour: canvas.Colour,
    label: str,
) -> None:
    """Shade the runs of marked rows, and write a label above the first row of each."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], marked, [False]]).astype(np.int8)))
    last_label = -100
    for first, end in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
        left = round(float(x[first]))
        right = max(round(float(x[end - 1])), left + MIN_MARK_PX)
        canvas.tint(picture, slice(top, top + PANEL_PX), slice(left, right), colour, 0.35)
        if label and left - last_label > 14:
            canvas.write_text(picture, label, (left, top + 13), 14, colour, 700)
            last_label = left


def _legend(drive: Drive) -> list[tuple[str, canvas.Colour]]:
    """Return the lines of text below the panels, with their colours."""
    legend: list[tuple[str, canvas.Colour]] = []
    for index, mark in enumerate(drive.marks):
        where = "" if mark.rows.any() else " (the whole dataset)"
        text = f"{index + 1}  {mark.name}{where}: {mark.evidence}"
        legend += [(line, canvas.mark_colour(index)) for line in textwrap.wrap(text, LEGEND_CHARS)]
    if not drive.marks:
        legend.append(("The doctor finds nothing.", canvas.FAINT))
    if drive.excluded.any():
        legend.append(("grey: excluded", canvas.EXCLUDED))
    if drive.segment[-1]:
        legend.append(
            (
                "Dashed: the recorder was paused, or rows are missing; the time goes on without "
                "the pause.",
                canvas.FAINT,
            )
        )
    return legend
