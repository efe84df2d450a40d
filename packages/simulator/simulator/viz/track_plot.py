"""A plan of a track, with the line that was driven coloured by how far off it was."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from contract import atomic_files
from contract.errors import SettingError
from simulator.track.geometry import Track
from simulator.viz.colormap import colours, nice
from simulator.viz.map_projection import Plan, edges, fit

Floats = NDArray[np.float64]
Picture = NDArray[np.uint8]
Colour = tuple[int, int, int]

WIDTH: Final = 1200
HEAD: Final = 112
FOOT: Final = 84
SIDE: Final = 56
BAR: Final = 150
"""Pixels: of the picture, above and below the plan, beside it, and for the colour bar."""
TALL: Final = (420, 1250)
"""Of the plan."""
ROOM: Final = 44
"""Around the road, for the numbers of its stations."""
SHARP: Final = 2
"""Lines are drawn this much larger and averaged."""
JOIN_M: Final = 2.0
"""Between successive points further apart than this there is no line: the car was put back."""

PAPER: Final = (252, 252, 250)
INK: Final = (33, 37, 43)
FAINT: Final = (120, 126, 134)
ROAD: Final = (214, 217, 221)
EDGE: Final = (150, 156, 164)
CROSS: Final = (200, 16, 46)


def chart(
    track: Track, line: Floats, lateral_m: Floats, interventions: Floats, title: str
) -> Picture:
    """Draw a drive.

    Args:
        track: that was driven.
        line: (M, 2), where the car was: x, y in metres.
        lateral_m: (M,), how far it was off the line to be driven.
        interventions: (K, 2), where it was put back.
        title: above the plan.

    Returns:
        (H, 1200, 3), RGB, as high as the track asks for.

    Raises:
        SettingError: the line and its errors are of different lengths.
    """
    if len(line) != len(lateral_m):
        raise SettingError(
            "a line needs one lateral error a point", got=f"{len(line)} and {len(lateral_m)}"
        )
    left, right = edges(track)
    plan, tall = fit(
        np.concatenate([left, right, line, interventions.reshape(-1, 2)]),
        WIDTH - 2 * SIDE - BAR,
        TALL,
        ROOM,
    )
    plan = replace(plan, x=plan.x + SIDE, y=plan.y + HEAD)
    canvas = np.full((SHARP * (HEAD + tall + FOOT), SHARP * WIDTH, 3), PAPER, np.uint8)
    _road(canvas, plan, left, right, track)
    top_m = nice(float(np.percentile(np.abs(lateral_m), 99.5))) if len(line) else 1.0
    if len(line) > 1:
        _driven(canvas, plan, line, np.abs(lateral_m) / top_m)
        _start(canvas, plan, track, line)
    for point in plan.pixels(interventions.reshape(-1, 2)):
        _cross(canvas, point)
    picture = _averaged(canvas)
    _stations(picture, plan, track)
    _bar(picture, tall, top_m)
    _words(picture, plan, title, _facts(track, lateral_m, len(interventions)))
    return picture


def write_png(path: Path, picture: Picture) -> None:
    """Publish an RGB picture as a PNG, replacing what was there."""
    part = atomic_files.temporary_path(path)
    try:
        cv2.imwrite(str(part), picture[:, :, ::-1])
        atomic_files.fsync(part)
        atomic_files.rename(part, path)
    finally:
        part.unlink(missing_ok=True)


def _fixed(pixels: Floats) -> NDArray[np.int32]:
    """Return pixels as cv2 takes them with shift=4, on the enlarged canvas."""
    return np.asarray(np.round(pixels * SHARP * 16), dtype=np.int32)


def _road(canvas: Picture, plan: Plan, left: Floats, right: Floats, track: Track) -> None:
    edge = [_fixed(plan.pixels(each)) for each in (left, right)]
    # In pieces: a road may cross itself, and a polygon that does has holes there.
    for index in range(len(left) - 1):
        piece = np.concatenate([edge[0][index : index + 2], edge[1][index : index + 2][::-1]])
        cv2.fillConvexPoly(canvas, piece, ROAD, cv2.LINE_AA, 4)
    for each in edge:
        cv2.polylines(canvas, [each], False, EDGE, SHARP, cv2.LINE_AA, 4)
    centre = _fixed(plan.pixels(track.points[:, :2]))
    dash = max(2, round(3.0 / track.step_m))
    for first in range(0, len(centre) - dash, 3 * dash):
        cv2.polylines(
            canvas, [centre[first : first + dash + 1]], False, PAPER, SHARP, cv2.LINE_AA, 4
        )


def _driven(canvas: Picture, plan: Plan, line: Floats, share: Floats) -> None:
    steps = np.hypot(*np.diff(line, axis=0).T)
    jumps = steps > JOIN_M
    pieces = np.concatenate([[0], np.cumsum(jumps)])
    along = np.concatenate([[0.0], np.cumsum(np.where(jumps, 0.0, steps))])
    slots = (along * plan.scale).astype(np.int64)  # one point a pixel will do
    kept = np.concatenate([[True], (np.diff(slots) > 0) | jumps])
    points, pieces, inks = _fixed(plan.pixels(line[kept])), pieces[kept], colours(share[kept])
    for index in range(len(points) - 1):
        if pieces[index] == pieces[index + 1]:
            ink = tuple(int(part) for part in inks[index + 1])
            cv2.line(canvas, points[index], points[index + 1], ink, 4 * SHARP, cv2.LINE_AA, 4)


def _start(canvas: Picture, plan: Plan, track: Track, line: Floats) -> None:
    """Draw a line across the road where the drive began, and an arrow the way it went."""
    place = track.locate(float(line[0, 0]), float(line[0, 1]))
    ahead = np.array([math.cos(place.heading_rad), math.sin(place.heading_rad)])
    left = np.array([-ahead[1], ahead[0]])
    middle = line[0] - place.lateral_m * left
    went = line[np.argmax(np.hypot(*(line - line[0]).T) > JOIN_M)] - line[0]
    ahead = ahead if went @ ahead >= 0 else -ahead
    across = np.array([middle + each * left * (place.width_m / 2) for each in (-1, 1)])
    ends = _fixed(plan.pixels(across))
    cv2.line(canvas, ends[0], ends[1], INK, 3 * SHARP, cv2.LINE_AA, 4)
    # Beside the road, so that it does not hide the line.
    root = plan.pixels((middle + left * (place.width_m / 2))[None])[0] + 12 * left * (1, -1)
    ahead, left = ahead * (1, -1), left * (1, -1)
    tip = root + 34 * ahead
    shaft = _fixed(np.array([root, tip - 8 * ahead]))
    cv2.line(canvas, shaft[0], shaft[1], INK, 3 * SHARP, cv2.LINE_AA, 4)
    head = np.array([tip, tip - 13 * ahead + 7 * left, tip - 13 * ahead - 7 * left])
    cv2.fillConvexPoly(canvas, _fixed(head), INK, cv2.LINE_AA, 4)


def _cross(canvas: Picture, pixel: Floats, scale: int = SHARP) -> None:
    for ink, thick, arm in ((PAPER, 6, 7.0), (CROSS, 3, 6.5)):
        for slope in (1, -1):
            reach = np.array([arm, slope * arm])
            ends = np.round((pixel + np.array([-reach, reach])) * scale * 16).astype(np.int32)
            cv2.line(canvas, ends[0], ends[1], ink, thick * scale, cv2.LINE_AA, 4)


def _averaged(canvas: Picture) -> Picture:
    high, wide, _ = canvas.shape
    blocks = canvas.reshape(high // SHARP, SHARP, wide // SHARP, SHARP, 3)
    return np.asarray(blocks.mean(axis=(1, 3)).round(), dtype=np.uint8)


def _stations(picture: Picture, plan: Plan, track: Track) -> None:
    """Write stations beside the road, on the side where there is more room."""
    apart_m = next(each for each in (50, 100, 200, 500, 1000, 10**9) if track.length_m / each <= 14)
    centre = plan.pixels(track.points[:, :2])
    for station_m in np.arange(apart_m, track.length_m - apart_m / 2, apart_m):
        place = track.place(float(station_m))
        sides = []
        for sign in (1, -1):
            pose = track.pose(float(station_m), sign * place.width_m / 2)
            edge = plan.pixels(np.array([[pose.x_m, pose.y_m]]))[0]
            out = sign * np.array([-math.sin(place.heading_rad), -math.cos(place.heading_rad)])
            room = np.hypot(*(edge + 40 * out - centre).T).min()
            sides.append((float(room), edge, out))
        _, edge, out = max(sides, key=lambda side: side[0])
        tick = np.round(np.array([edge + 3 * out, edge + 9 * out]) * 16).astype(np.int32)
        cv2.line(picture, tick[0], tick[1], FAINT, 1, cv2.LINE_AA, 4)
        _write(picture, f"{station_m:.0f} m", edge + (34, 22) * out, 14, FAINT, middle=True)


def _bar(picture: Picture, tall: int, top_m: float) -> None:
    high = min(tall - 60, 380)
    left, top = WIDTH - SIDE - 84, HEAD + (tall - high) // 2
    share = np.linspace(1, 0, high)
    picture[top : top + high, left : left + 18] = colours(share)[:, None]
    for part in range(5):
        value, y = top_m * (4 - part) / 4, top + part * (high - 1) // 4
        picture[y, left + 18 : left + 24] = FAINT
        _write(picture, f"{value:.3g} m", (left + 30, y + 5), 15, INK)
    _write(picture, "off the line", (left, top - 14), 15, FAINT)


def _words(picture: Picture, plan: Plan, title: str, facts: str) -> None:
    """Write title, facts and, below the plan, the scale, what the marks mean, and north."""
    _write(picture, title, (SIDE, 56), 30, INK, weight=600)
    _write(picture, facts, (SIDE, 86), 17, FAINT)
    y = picture.shape[0] - 36
    metres = max(
        each
        for each in (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)
        if each * plan.scale <= 200 or each == 1
    )
    right = SIDE + round(metres * plan.scale)
    for from_xy, to_xy in (
        ((SIDE, y), (right, y)),
        ((SIDE, y - 6), (SIDE, y + 6)),
        ((right, y - 6), (right, y + 6)),
    ):
        cv2.line(picture, from_xy, to_xy, INK, 2)
    _write(picture, f"{metres} m", (right + 12, y + 6), 16, INK)
    _cross(picture, np.array([right + 110.0, y]), scale=1)
    _write(picture, "put back on the road", (right + 128, y + 6), 16, INK)
    north = np.array([[0, -16], [9, 12], [0, 6], [-9, 12]], dtype=np.int32)
    north += np.array([WIDTH - SIDE - 74, y], dtype=np.int32)
    cv2.fillPoly(picture, [north], INK, cv2.LINE_AA)
    _write(picture, "N", (WIDTH - SIDE - 58, y + 7), 18, INK, weight=600)


def _facts(track: Track, lateral_m: Floats, interventions: int) -> str:
    facts = [f"{track.name}: {track.length_m:,.0f} m"]
    if len(lateral_m):
        size = np.abs(lateral_m)
        facts.append(f"off the line by {size.mean():.2f} m on average, {size.max():.2f} m at most")
    facts.append(f"{interventions} intervention{'' if interventions == 1 else 's'}")
    return "  ·  ".join(facts)


def _write(
    picture: Picture,
    text: str,
    at: Floats | tuple[int, int],
    size: int,
    ink: Colour,
    weight: int = 400,
    middle: bool = False,
) -> None:
    """Write from the left end of the base line, or around a point."""
    font = cv2.FontFace()
    x, y = round(float(at[0])), round(float(at[1]))
    if middle:
        _, _, wide, _ = cv2.getTextSize((WIDTH, WIDTH), text, (0, 0), font, size, weight)
        x, y = x - wide // 2, y + round(0.35 * size)
    cv2.putText(picture, text, (x, y), ink, font, size, weight)
