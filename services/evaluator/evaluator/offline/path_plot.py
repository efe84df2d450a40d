"""A drive along a recording on paper: both paths from above, and the offset over time."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from simulator.viz.colormap import map_colours
from simulator.viz.map_projection import fit_projection
from simulator.viz.track_plot import CROSS, FAINT, HEADER_PX, INK, MARGIN_PX, PAPER, ROAD, WIDTH_PX

Floats = NDArray[np.float64]
Picture = NDArray[np.uint8]
Colour = tuple[int, int, int]

TALL: Final = (300, 900)
"""Of the plan, pixels."""
ROOM: Final = 30
STRIP: Final = 220
"""Of the offset over time."""
FOOT: Final = 48


def path(time_s: Floats, yaw_rad_s: Floats, speed_mps: Floats) -> tuple[Floats, Floats]:
    """Return where a car goes that begins at the origin: (N, 2) metres, and its heading, (N,).

    Args:
        time_s: (N,), rising.
        yaw_rad_s: (N,), positive to the left.
        speed_mps: (N,).
    """
    held = np.diff(time_s)
    heading = np.concatenate([[0.0], np.cumsum(yaw_rad_s[:-1] * held)])
    middle = (heading[:-1] + heading[1:]) / 2
    step = (speed_mps[:-1] * held)[:, None] * np.column_stack([np.cos(middle), np.sin(middle)])
    return np.concatenate([np.zeros((1, 2)), np.cumsum(step, axis=0)]), heading


def chart(
    place_m: Floats,
    heading_rad: Floats,
    time_s: Floats,
    left_m: Floats,
    limit_m: float,
    interventions: NDArray[np.int64],
    title: str,
    facts: str,
) -> Picture:
    """Draw a rerun.

    Args:
        place_m: (N, 2), the recorded path.
        heading_rad: (N,), of the recorded car.
        time_s: (N,), rising.
        left_m: (N,), of the virtual car from the recorded one, positive to the left.
        limit_m: of an intervention.
        interventions: (K,), their rows.
        title: above it all.
        facts: below the title.

    Returns:
        (H, 1200, 3), RGB.
    """
    across = np.column_stack([-np.sin(heading_rad), np.cos(heading_rad)])
    driven = place_m + left_m[:, None] * across
    plan, tall = fit_projection(
        np.concatenate([place_m, driven]), WIDTH_PX - 2 * MARGIN_PX, TALL, ROOM
    )
    plan = replace(plan, x=plan.x + MARGIN_PX, y=plan.y + HEADER_PX)
    picture: Picture = np.full((HEADER_PX + tall + STRIP + FOOT, WIDTH_PX, 3), PAPER, np.uint8)
    reference = np.round(plan.pixels(place_m) * 16).astype(np.int32)
    wide = max(3, round(2 * limit_m * plan.scale))
    cv2.polylines(picture, [reference], False, ROAD, wide, cv2.LINE_AA, 4)
    _coloured(picture, plan.pixels(driven), left_m, limit_m, interventions)
    for row in interventions:
        _cross(picture, plan.pixels(driven[row][None])[0])
    _over_time(picture[HEADER_PX + tall :], time_s, left_m, limit_m, interventions)
    _write(picture, title, (MARGIN_PX, 56), 30, INK, 600)
    _write(picture, facts, (MARGIN_PX, 86), 17, FAINT)
    note = f"grey: within {limit_m:g} m of the recorded path, as the car model integrates it"
    _write(picture, note, (MARGIN_PX, HEADER_PX + tall + STRIP + 30), 15, FAINT)
    return picture


def _coloured(
    picture: Picture,
    points: Floats,
    left_m: Floats,
    limit_m: float,
    interventions: NDArray[np.int64],
) -> None:
    """Draw a line whose colour is the offset, with a gap where the car was put back."""
    fixed = np.round(points * 16).astype(np.int32)
    inks = map_colours(np.minimum(np.abs(left_m) / limit_m, 1.0))
    gaps = set(interventions.tolist())
    for row in range(len(fixed) - 1):
        if row not in gaps:
            ink = tuple(int(part) for part in inks[row + 1])
            cv2.line(picture, fixed[row], fixed[row + 1], ink, 2, cv2.LINE_AA, 4)


def _cross(picture: Picture, pixel: Floats) -> None:
    for slope in (1, -1):
        reach = np.array([4.0, slope * 4.0])
        ends = np.round((pixel + np.array([-reach, reach])) * 16).astype(np.int32)
        cv2.line(picture, ends[0], ends[1], CROSS, 2, cv2.LINE_AA, 4)


def _over_time(
    strip: Picture, time_s: Floats, left_m: Floats, limit_m: float, interventions: NDArray[np.int64]
) -> None:
    """Draw the offset over time into the top of `strip`, left upwards."""
    middle, top_m = STRIP / 2, 1.25 * limit_m
    wide = WIDTH_PX - 2 * MARGIN_PX - 60
    span_s = max(float(time_s[-1] - time_s[0]), 1e-9)

    def fixed(at_s: Floats, offset_m: Floats) -> NDArray[np.int32]:
        x = MARGIN_PX + 60 + wide * (at_s - time_s[0]) / span_s
        y = middle - (middle - 16) * np.clip(offset_m / top_m, -1.0, 1.0)
        return np.round(np.column_stack([x, y]) * 16).astype(np.int32)

    ends_s = time_s[[0, -1]]
    for offset, ink in ((0.0, FAINT), (limit_m, ROAD), (-limit_m, ROAD)):
        line = fixed(ends_s, np.full(2, offset))
        cv2.line(strip, line[0], line[1], ink, 1, cv2.LINE_AA, 4)
        side = "" if offset == 0 else " left" if offset > 0 else " right"
        _write(strip, f"{abs(offset):g} m{side}", (MARGIN_PX - 20, line[0][1] // 16 + 5), 14, FAINT)
    # Put back means a jump: no line is drawn across it.
    for part in np.split(np.arange(len(time_s)), interventions + 1):
        if len(part):
            cv2.polylines(strip, [fixed(time_s[part], left_m[part])], False, INK, 1, cv2.LINE_AA, 4)
    for row in interventions:
        at = fixed(time_s[[row]], left_m[[row]])[0] / 16
        _cross(strip, at)
    apart_s = next(each for each in (1, 2, 5, 10, 20, 60, 120, 300, 10**6) if span_s / each <= 14)
    for after in range(0, math.floor(span_s) + 1, apart_s):
        x, y = fixed(time_s[[0]] + after, np.full(1, -top_m))[0] // 16
        _write(strip, f"{after} s", (x, y + 12), 14, FAINT)


def _write(
    picture: Picture, text: str, at: tuple[int, int], size: int, ink: Colour, weight: int = 400
) -> None:
    cv2.putText(picture, text, (int(at[0]), int(at[1])), ink, cv2.FontFace(), size, weight)
