"""Plots a track from above, with the driven path coloured by its lateral error."""

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
from simulator.viz.colormap import map_colours, round_up_limit
from simulator.viz.map_projection import MapProjection, fit_projection, road_edges

Floats = NDArray[np.float64]
Picture = NDArray[np.uint8]
Colour = tuple[int, int, int]

WIDTH_PX: Final = 1200
HEADER_PX: Final = 112
FOOTER_PX: Final = 84
MARGIN_PX: Final = 56
COLOUR_BAR_PX: Final = 150
"""Width of the colour bar with its labels, on the right of the map."""
HEIGHT_RANGE_PX: Final = (420, 1250)
"""Smallest and largest height of the map."""
LABEL_ROOM_PX: Final = 44
"""Space around the road for the labels of its stations."""
SUPERSAMPLING: Final = 2
"""Scale at which lines are drawn before they are averaged."""
SUBPIXEL_BITS: Final = 4
"""Fractional bits of the coordinates that OpenCV draws."""
MAX_GAP_M: Final = 2.0
"""Points farther apart than this are not joined: the car was put back between them."""

PAPER: Final = (252, 252, 250)
INK: Final = (33, 37, 43)
FAINT: Final = (120, 126, 134)
ROAD: Final = (214, 217, 221)
EDGE: Final = (150, 156, 164)
CROSS: Final = (200, 16, 46)


def draw_track_plot(
    track: Track, path: Floats, lateral_m: Floats, interventions: Floats, title: str
) -> Picture:
    """Return a plot of a drive, RGB (H, 1200, 3); the track decides the height.

    Args:
        track: Track that was driven.
        path: Positions of the car in metres, (M, 2).
        lateral_m: Offset of the car from the driving line, (M,).
        interventions: Positions at which the car was put back, (K, 2).
        title: Title above the map.

    Raises:
        SettingError: The path and the offsets have different lengths.
    """
    if len(path) != len(lateral_m):
        raise SettingError(
            "each point of a path needs one lateral error",
            got=f"{len(path)} points and {len(lateral_m)} errors",
        )
    left, right = road_edges(track)
    projection, map_height = fit_projection(
        np.concatenate([left, right, path, interventions.reshape(-1, 2)]),
        WIDTH_PX - 2 * MARGIN_PX - COLOUR_BAR_PX,
        HEIGHT_RANGE_PX,
        LABEL_ROOM_PX,
    )
    projection = replace(projection, x=projection.x + MARGIN_PX, y=projection.y + HEADER_PX)
    height = HEADER_PX + map_height + FOOTER_PX
    canvas = np.full((SUPERSAMPLING * height, SUPERSAMPLING * WIDTH_PX, 3), PAPER, np.uint8)
    _draw_road(canvas, projection, left, right, track)
    limit_m = round_up_limit(float(np.percentile(np.abs(lateral_m), 99.5))) if len(path) else 1.0
    if len(path) > 1:
        _draw_path(canvas, projection, path, np.abs(lateral_m) / limit_m)
        _draw_start(canvas, projection, track, path)
    for point in projection.pixels(interventions.reshape(-1, 2)):
        _draw_cross(canvas, point)
    picture = _shrink(canvas)
    _label_stations(picture, projection, track)
    _draw_colour_bar(picture, map_height, limit_m)
    _write_texts(picture, projection, title, _summarize(track, lateral_m, len(interventions)))
    return picture


def write_png(path: Path, picture: Picture) -> None:
    """Write an RGB picture as a PNG, in place of an older file."""
    part = atomic_files.temporary_path(path)
    try:
        cv2.imwrite(str(part), picture[:, :, ::-1])
        atomic_files.fsync(part)
        atomic_files.rename(part, path)
    finally:
        part.unlink(missing_ok=True)


def _to_fixed_point(pixels: Floats, scale: int = SUPERSAMPLING) -> NDArray[np.int32]:
    """Return pixels of the canvas as fixed-point numbers with SUBPIXEL_BITS fractional bits."""
    return np.asarray(np.round(pixels * scale * 2**SUBPIXEL_BITS), dtype=np.int32)


def _draw_line(canvas: Picture, ends: NDArray[np.int32], ink: Colour, thickness: int) -> None:
    """Draw a line between two fixed-point positions, (2, 2)."""
    cv2.line(canvas, ends[0], ends[1], ink, thickness, cv2.LINE_AA, SUBPIXEL_BITS)


def _draw_road(
    canvas: Picture, projection: MapProjection, left: Floats, right: Floats, track: Track
) -> None:
    """Draw the surface, the edges and the dashed centre line of the road."""
    edges = [_to_fixed_point(projection.pixels(edge)) for edge in (left, right)]
    # The surface is drawn in pieces: a single polygon of a road that crosses itself has holes.
    for index in range(len(left) - 1):
        piece = np.concatenate([edges[0][index : index + 2], edges[1][index : index + 2][::-1]])
        cv2.fillConvexPoly(canvas, piece, ROAD, cv2.LINE_AA, SUBPIXEL_BITS)
    for edge in edges:
        cv2.polylines(canvas, [edge], False, EDGE, SUPERSAMPLING, cv2.LINE_AA, SUBPIXEL_BITS)
    centre = _to_fixed_point(projection.pixels(track.points[:, :2]))
    dash = max(2, round(3.0 / track.step_m))
    for first in range(0, len(centre) - dash, 3 * dash):
        line = centre[first : first + dash + 1]
        cv2.polylines(canvas, [line], False, PAPER, SUPERSAMPLING, cv2.LINE_AA, SUBPIXEL_BITS)


def _draw_path(canvas: Picture, projection: MapProjection, path: Floats, share: Floats) -> None:
    """Draw the path of the car; `share` is each point's error as a share of the largest."""
    steps = np.hypot(*np.diff(path, axis=0).T)
    jumps = steps > MAX_GAP_M
    pieces = np.concatenate([[0], np.cumsum(jumps)])
    along = np.concatenate([[0.0], np.cumsum(np.where(jumps, 0.0, steps))])
    # One point for each pixel is enough.
    slots = (along * projection.scale).astype(np.int64)
    kept = np.concatenate([[True], (np.diff(slots) > 0) | jumps])
    points = _to_fixed_point(projection.pixels(path[kept]))
    pieces, colours = pieces[kept], map_colours(share[kept])
    for index in range(len(points) - 1):
        if pieces[index] == pieces[index + 1]:
            red, green, blue = (int(channel) for channel in colours[index + 1])
            ends = points[index : index + 2]
            _draw_line(canvas, ends, (red, green, blue), 4 * SUPERSAMPLING)


def _draw_start(canvas: Picture, projection: MapProjection, track: Track, path: Floats) -> None:
    """Draw a line across the road at the start of the drive, and an arrow in its direction."""
    position = track.locate(float(path[0, 0]), float(path[0, 1]))
    ahead = np.array([math.cos(position.heading_rad), math.sin(position.heading_rad)])
    left = np.array([-ahead[1], ahead[0]])
    middle = path[0] - position.lateral_m * left
    # The first point that is clearly away from the start shows the direction of the drive.
    motion = path[np.argmax(np.hypot(*(path - path[0]).T) > MAX_GAP_M)] - path[0]
    ahead = ahead if motion @ ahead >= 0 else -ahead
    across = np.array([middle + sign * left * (position.width_m / 2) for sign in (-1, 1)])
    _draw_line(canvas, _to_fixed_point(projection.pixels(across)), INK, 3 * SUPERSAMPLING)
    # The arrow stands beside the road, where it does not hide the path. Pixel rows count downwards,
    # so the second component of the directions changes its sign.
    edge = projection.pixels((middle + left * (position.width_m / 2))[None])[0]
    ahead, left = ahead * (1, -1), left * (1, -1)
    root = edge + 12 * left
    tip = root + 34 * ahead
    shaft = np.array([root, tip - 8 * ahead])
    _draw_line(canvas, _to_fixed_point(shaft), INK, 3 * SUPERSAMPLING)
    head = np.array([tip, tip - 13 * ahead + 7 * left, tip - 13 * ahead - 7 * left])
    cv2.fillConvexPoly(canvas, _to_fixed_point(head), INK, cv2.LINE_AA, SUBPIXEL_BITS)


def _draw_cross(canvas: Picture, pixel: Floats, scale: int = SUPERSAMPLING) -> None:
    """Draw a cross at a pixel of a picture that is enlarged by a scale."""
    for ink, thickness, arm in ((PAPER, 6, 7.0), (CROSS, 3, 6.5)):
        for slope in (1, -1):
            reach = np.array([arm, slope * arm])
            ends = _to_fixed_point(pixel + np.array([-reach, reach]), scale)
            _draw_line(canvas, ends, ink, thickness * scale)


def _shrink(canvas: Picture) -> Picture:
    """Return the canvas at its true size: each pixel is the mean of a block."""
    height, width, _ = canvas.shape
    blocks = canvas.reshape(
        height // SUPERSAMPLING, SUPERSAMPLING, width // SUPERSAMPLING, SUPERSAMPLING, 3
    )
    return np.asarray(blocks.mean(axis=(1, 3)).round(), dtype=np.uint8)


def _label_stations(picture: Picture, projection: MapProjection, track: Track) -> None:
    """Write stations beside the road, on the side with more space."""
    intervals = (50, 100, 200, 500, 1000, 10**9)
    interval_m = next(metres for metres in intervals if track.length_m / metres <= 14)
    centre = projection.pixels(track.points[:, :2])
    for station_m in np.arange(interval_m, track.length_m - interval_m / 2, interval_m):
        position = track.position_at(float(station_m))
        sides = []
        for sign in (1, -1):
            pose = track.pose_at(float(station_m), sign * position.width_m / 2)
            edge = projection.pixels(np.array([[pose.x_m, pose.y_m]]))[0]
            heading = position.heading_rad
            outwards = sign * np.array([-math.sin(heading), -math.cos(heading)])
            space = np.hypot(*(edge + 40 * outwards - centre).T).min()
            sides.append((float(space), edge, outwards))
        _, edge, outwards = max(sides, key=lambda side: side[0])
        tick = _to_fixed_point(np.array([edge + 3 * outwards, edge + 9 * outwards]), 1)
        _draw_line(picture, tick, FAINT, 1)
        _write(picture, f"{station_m:.0f} m", edge + (34, 22) * outwards, 14, FAINT, centred=True)


def _draw_colour_bar(picture: Picture, map_height: int, limit_m: float) -> None:
    """Draw the colour bar, from no error up to a limit."""
    height = min(map_height - 60, 380)
    left, top = WIDTH_PX - MARGIN_PX - 84, HEADER_PX + (map_height - height) // 2
    share = np.linspace(1, 0, height)
    picture[top : top + height, left : left + 18] = map_colours(share)[:, None]
    for part in range(5):
        value, y = limit_m * (4 - part) / 4, top + part * (height - 1) // 4
        picture[y, left + 18 : left + 24] = FAINT
        _write(picture, f"{value:.3g} m", (left + 30, y + 5), 15, INK)
    _write(picture, "off the line", (left, top - 14), 15, FAINT)


def _write_texts(picture: Picture, projection: MapProjection, title: str, summary: str) -> None:
    """Write the title and the summary, and below the map the scale, the legend and north."""
    _write(picture, title, (MARGIN_PX, 56), 30, INK, weight=600)
    _write(picture, summary, (MARGIN_PX, 86), 17, FAINT)
    y = picture.shape[0] - 36
    metres = max(
        length
        for length in (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)
        if length * projection.scale <= 200 or length == 1
    )
    right = MARGIN_PX + round(metres * projection.scale)
    for start, end in (
        ((MARGIN_PX, y), (right, y)),
        ((MARGIN_PX, y - 6), (MARGIN_PX, y + 6)),
        ((right, y - 6), (right, y + 6)),
    ):
        cv2.line(picture, start, end, INK, 2)
    _write(picture, f"{metres} m", (right + 12, y + 6), 16, INK)
    _draw_cross(picture, np.array([right + 110.0, y]), scale=1)
    _write(picture, "put back on the road", (right + 128, y + 6), 16, INK)
    north = np.array([[0, -16], [9, 12], [0, 6], [-9, 12]], dtype=np.int32)
    north += np.array([WIDTH_PX - MARGIN_PX - 74, y], dtype=np.int32)
    cv2.fillPoly(picture, [north], INK, cv2.LINE_AA)
    _write(picture, "N", (WIDTH_PX - MARGIN_PX - 58, y + 7), 18, INK, weight=600)


def _summarize(track: Track, lateral_m: Floats, interventions: int) -> str:
    parts = [f"{track.name}: {track.length_m:,.0f} m"]
    if len(lateral_m):
        size = np.abs(lateral_m)
        parts.append(f"off the line by {size.mean():.2f} m on average, {size.max():.2f} m at most")
    parts.append(f"{interventions} intervention{'' if interventions == 1 else 's'}")
    return "  ·  ".join(parts)


def _write(
    picture: Picture,
    text: str,
    at: Floats | tuple[int, int],
    size: int,
    ink: Colour,
    weight: int = 400,
    centred: bool = False,
) -> None:
    """Write a text that starts at a point of its base line, or that is centred on a point."""
    font = cv2.FontFace()
    x, y = round(float(at[0])), round(float(at[1]))
    if centred:
        _, _, width, _ = cv2.getTextSize((WIDTH_PX, WIDTH_PX), text, (0, 0), font, size, weight)
        x, y = x - width // 2, y + round(0.35 * size)
    cv2.putText(picture, text, (x, y), ink, font, size, weight)
