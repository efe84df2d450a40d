"""Draws a log replay: both paths from above, and the offset over time."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from evaluator.offline.log_replay import LogReplayResult
from evaluator.offline.logged_drive import LoggedDrive
from evaluator.offline.virtual_car import yaw_rad_s
from simulator.viz.colormap import map_colours
from simulator.viz.map_projection import fit_projection
from simulator.viz.track_plot import CROSS, FAINT, HEADER_PX, INK, MARGIN_PX, PAPER, ROAD, WIDTH_PX

Floats = NDArray[np.float64]
Image = NDArray[np.uint8]
Colour = tuple[int, int, int]

MAP_HEIGHT_RANGE_PX: Final = (300, 900)
MAP_MARGIN_PX: Final = 30
OFFSET_HEIGHT_PX: Final = 220
FOOTER_PX: Final = 48


def draw_replay(drive: LoggedDrive, result: LogReplayResult, driver: str) -> Image:
    """Draw the result of a driver on a recording, RGB, shape (height, 1200, 3)."""
    yaw = np.array(
        [
            yaw_rad_s(float(steering), float(speed))
            for steering, speed in zip(drive.steering, drive.speed_mps, strict=True)
        ]
    )
    # Segments are joined without their pauses: it is not known where the car went in a pause.
    driven_s = np.concatenate([[0.0], np.cumsum(drive.duration_s()[:-1])])
    position_m, heading = integrate_path(driven_s, yaw, drive.speed_mps)
    rows = np.array([intervention.row for intervention in result.interventions], dtype=np.int64)
    facts = (
        f"autonomy {result.autonomy_percent:.1f} %  ·  {len(rows)} interventions beyond "
        f"{result.limit_m:g} m in {result.elapsed_s:.0f} s  ·  offset {result.rmse_m:.2f} m "
        "(root mean square)"
    )
    return draw_paths(
        position_m,
        heading,
        driven_s,
        result.left_m,
        result.limit_m,
        rows,
        f"{drive.name}: {driver}",
        facts,
    )


def integrate_path(time_s: Floats, yaw_rad_s: Floats, speed_mps: Floats) -> tuple[Floats, Floats]:
    """Return the path of a car that starts at the origin.

    Args:
        time_s: rising times, shape (rows,).
        yaw_rad_s: yaw rates, shape (rows,), positive to the left.
        speed_mps: speeds, shape (rows,).

    Returns:
        The positions, metres, shape (rows, 2), and the headings, shape (rows,).
    """
    duration = np.diff(time_s)
    heading = np.concatenate([[0.0], np.cumsum(yaw_rad_s[:-1] * duration)])
    middle = (heading[:-1] + heading[1:]) / 2
    step = (speed_mps[:-1] * duration)[:, None] * np.column_stack([np.cos(middle), np.sin(middle)])
    return np.concatenate([np.zeros((1, 2)), np.cumsum(step, axis=0)]), heading


def draw_paths(
    position_m: Floats,
    heading_rad: Floats,
    time_s: Floats,
    left_m: Floats,
    limit_m: float,
    interventions: NDArray[np.int64],
    title: str,
    facts: str,
) -> Image:
    """Draw the recorded path and the driven one.

    Args:
        position_m: recorded path, shape (rows, 2).
        heading_rad: headings of the recorded car, shape (rows,).
        time_s: rising times, shape (rows,).
        left_m: offsets of the virtual car, shape (rows,), positive to the left.
        limit_m: offset beyond which the car is put back.
        interventions: rows at which the car was put back, shape (interventions,).
        title: title of the plot.
        facts: line of text below the title.

    Returns:
        The plot, RGB, shape (height, 1200, 3).
    """
    to_left = np.column_stack([-np.sin(heading_rad), np.cos(heading_rad)])
    driven = position_m + left_m[:, None] * to_left
    plan, height = fit_projection(
        np.concatenate([position_m, driven]),
        WIDTH_PX - 2 * MARGIN_PX,
        MAP_HEIGHT_RANGE_PX,
        MAP_MARGIN_PX,
    )
    plan = replace(plan, x=plan.x + MARGIN_PX, y=plan.y + HEADER_PX)
    image: Image = np.full(
        (HEADER_PX + height + OFFSET_HEIGHT_PX + FOOTER_PX, WIDTH_PX, 3), PAPER, np.uint8
    )
    recorded = np.round(plan.pixels(position_m) * 16).astype(np.int32)
    band_px = max(3, round(2 * limit_m * plan.scale))
    cv2.polylines(image, [recorded], False, ROAD, band_px, cv2.LINE_AA, 4)
    _draw_driven_path(image, plan.pixels(driven), left_m, limit_m, interventions)
    for row in interventions:
        _draw_cross(image, plan.pixels(driven[row][None])[0])
    _draw_offset_over_time(image[HEADER_PX + height :], time_s, left_m, limit_m, interventions)
    _write_text(image, title, (MARGIN_PX, 56), 30, INK, 600)
    _write_text(image, facts, (MARGIN_PX, 86), 17, FAINT)
    note = f"grey: within {limit_m:g} m of the recorded path, which the car model integrates"
    _write_text(image, note, (MARGIN_PX, HEADER_PX + height + OFFSET_HEIGHT_PX + 30), 15, FAINT)
    return image


def _draw_driven_path(
    image: Image,
    points: Floats,
    left_m: Floats,
    limit_m: float,
    interventions: NDArray[np.int64],
) -> None:
    """Draw a line whose colour is the offset, with a gap where the car was put back."""
    fixed_point = np.round(points * 16).astype(np.int32)
    inks = map_colours(np.minimum(np.abs(left_m) / limit_m, 1.0))
    gaps = set(interventions.tolist())
    for row in range(len(fixed_point) - 1):
        if row not in gaps:
            ink = tuple(int(part) for part in inks[row + 1])
            cv2.line(image, fixed_point[row], fixed_point[row + 1], ink, 2, cv2.LINE_AA, 4)


def _draw_cross(image: Image, pixel: Floats) -> None:
    for slope in (1, -1):
        arm = np.array([4.0, slope * 4.0])
        ends = np.round((pixel + np.array([-arm, arm])) * 16).astype(np.int32)
        cv2.line(image, ends[0], ends[1], CROSS, 2, cv2.LINE_AA, 4)


def _draw_offset_over_time(
    strip: Image, time_s: Floats, left_m: Floats, limit_m: float, interventions: NDArray[np.int64]
) -> None:
    """Draw the offset over time into the top of `strip`; left is upwards."""
    middle, top_m = OFFSET_HEIGHT_PX / 2, 1.25 * limit_m
    width = WIDTH_PX - 2 * MARGIN_PX - 60
    span_s = max(float(time_s[-1] - time_s[0]), 1e-9)

    def to_fixed_point(at_s: Floats, offset_m: Floats) -> NDArray[np.int32]:
        x = MARGIN_PX + 60 + width * (at_s - time_s[0]) / span_s
        y = middle - (middle - 16) * np.clip(offset_m / top_m, -1.0, 1.0)
        return np.round(np.column_stack([x, y]) * 16).astype(np.int32)

    ends_s = time_s[[0, -1]]
    for offset, ink in ((0.0, FAINT), (limit_m, ROAD), (-limit_m, ROAD)):
        line = to_fixed_point(ends_s, np.full(2, offset))
        cv2.line(strip, line[0], line[1], ink, 1, cv2.LINE_AA, 4)
        side = "" if offset == 0 else " left" if offset > 0 else " right"
        label = f"{abs(offset):g} m{side}"
        _write_text(strip, label, (MARGIN_PX - 20, line[0][1] // 16 + 5), 14, FAINT)
    # The offset jumps where the car is put back: no line is drawn across the jump.
    for part in np.split(np.arange(len(time_s)), interventions + 1):
        if len(part):
            points = to_fixed_point(time_s[part], left_m[part])
            cv2.polylines(strip, [points], False, INK, 1, cv2.LINE_AA, 4)
    for row in interventions:
        _draw_cross(strip, to_fixed_point(time_s[[row]], left_m[[row]])[0] / 16)
    steps_s = (1, 2, 5, 10, 20, 60, 120, 300, 10**6)
    step_s = next(step for step in steps_s if span_s / step <= 14)
    for tick_s in range(0, math.floor(span_s) + 1, step_s):
        x, y = to_fixed_point(time_s[[0]] + tick_s, np.full(1, -top_m))[0] // 16
        _write_text(strip, f"{tick_s} s", (x, y + 12), 14, FAINT)


def _write_text(
    image: Image, text: str, at: tuple[int, int], size: int, ink: Colour, weight: int = 400
) -> None:
    cv2.putText(image, text, (int(at[0]), int(at[1])), ink, cv2.FontFace(), size, weight)
