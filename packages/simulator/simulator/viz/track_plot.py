"""Plots a track from above, with the driven path coloured by its lateral error."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from numpy.typing import NDArray

from contract.errors import SettingError
from simulator.track.geometry import Track
from simulator.viz import chart_style as style

Floats = NDArray[np.float64]

MAX_GAP_M: Final = 2.0
"""Points farther apart than this are not joined: the car was put back between them."""
HEIGHT_RANGE_IN: Final = (3.2, 8.0)
"""Smallest and largest height of the chart."""
COLORMAP: Final = "plasma"
"""Its lightness rises evenly, so colour-blind readers and grey prints see the order too."""


def draw_track_plot(
    path: Path, track: Track, driven: Floats, lateral_m: Floats, interventions: Floats, title: str
) -> None:
    """Write a chart of a drive as a PNG file; its height depends on the track.

    Args:
        path: File to write.
        track: Track that was driven.
        driven: Positions of the car in metres, (M, 2).
        lateral_m: Offset of the car from the driving line, (M,).
        interventions: Positions at which the car was put back, (K, 2).
        title: Title of the chart.

    Raises:
        SettingError: The path and the offsets have different lengths.
    """
    if len(driven) != len(lateral_m):
        raise SettingError(
            "each point of a path needs one lateral error",
            got=f"{len(driven)} points and {len(lateral_m)} errors",
        )
    with style.save_figure(path, map_height_in(np.concatenate(road_edges(track)))) as (axes,):
        draw_road(axes, track)
        _label_stations(axes, track)
        if len(driven) > 1:
            size_m = np.abs(lateral_m)
            jumps = np.flatnonzero(np.hypot(*np.diff(driven, axis=0).T) > MAX_GAP_M) + 1
            limit_m = round_up_limit(float(np.percentile(size_m, 99.5)))
            draw_path(axes, np.split(driven, jumps), np.split(size_m, jumps), limit_m)
            _draw_start(axes, track, driven)
        draw_interventions(axes, interventions)
        style.write_title(axes, title, _summarize(track, lateral_m, len(interventions)))


def map_height_in(points_m: Floats) -> float:
    """Return the height in inches of a chart that shows points, (N, 2), at one scale."""
    width_m, height_m = np.maximum(np.ptp(points_m, axis=0), 1.0)
    wished = 0.8 * style.WIDTH_IN * height_m / width_m + 1.2
    return float(np.clip(wished, *HEIGHT_RANGE_IN))


def road_edges(track: Track) -> tuple[Floats, Floats]:
    """Return the left and the right edge of the road, (N, 2) each.

    The edges of a closed track repeat their first point at the end.
    """
    across = np.column_stack([-np.sin(track.heading_rad), np.cos(track.heading_rad)])
    half = track.width_m[:, None] / 2 * across
    left, right = track.points[:, :2] + half, track.points[:, :2] - half
    if track.closed:
        left, right = np.concatenate([left, left[:1]]), np.concatenate([right, right[:1]])
    return left, right


def draw_road(axes: Axes, track: Track) -> None:
    """Draw the surface of the road; both axes get one scale, in metres, and north is up."""
    left, right = road_edges(track)
    # The surface is drawn in pieces: a single polygon of a road that crosses itself has holes.
    pieces = np.stack([left[:-1], left[1:], right[1:], right[:-1]], axis=1)
    for piece in (pieces[start : start + 200] for start in range(0, len(pieces), 200)):
        outline = np.concatenate([piece[:, 0], piece[-1:, 1], piece[-1:, 2], piece[::-1, 3]])
        axes.fill(*outline.T, color=style.RULE, linewidth=0)
    axes.set_aspect("equal")
    axes.set_xlabel("m east")
    axes.set_ylabel("m north")


def draw_path(
    axes: Axes, parts: Sequence[Floats], sizes_m: Sequence[Floats], limit_m: float
) -> None:
    """Draw the path of a car, coloured by the size of its error, with a colour bar.

    Args:
        axes: Chart of the map.
        parts: Positions of the car in metres, (M, 2) for each part; nothing joins two parts.
        sizes_m: Size of the error at each position, (M,) for each part.
        limit_m: Error at the end of the colour bar.
    """
    steps = [np.stack([part[:-1], part[1:]], axis=1) for part in parts]
    lines = LineCollection(
        list(np.concatenate(steps)), cmap=COLORMAP, linewidths=2.2, capstyle="round"
    )
    lines.set_array(np.concatenate([size[1:] for size in sizes_m]))
    lines.set_clim(0.0, limit_m)
    axes.add_collection(lines)
    axes.autoscale_view()
    axes.figure.colorbar(lines, ax=axes, label="m off the line", shrink=0.7, pad=0.02, extend="max")


def draw_interventions(axes: Axes, points: Floats) -> None:
    """Draw a cross at each place, (K, 2), where the car was put back on the road."""
    if len(points):
        axes.scatter(
            points[:, 0],
            points[:, 1],
            s=70,
            color=style.VERMILION,
            marker="x",
            linewidths=2,
            label="put back on the road",
            zorder=4,
        )
        axes.legend(loc="best")


def round_up_limit(least: float) -> float:
    """Return the smallest of 0.5, 1, 2, 4, ... that is not less than a value."""
    return float(0.5 * 2 ** max(0, math.ceil(math.log2(max(least, 1e-9) / 0.5))))


def _draw_start(axes: Axes, track: Track, driven: Floats) -> None:
    """Draw a line across the road at the start of the drive, and an arrow in its direction."""
    position = track.locate(float(driven[0, 0]), float(driven[0, 1]))
    left = np.array([-math.sin(position.heading_rad), math.cos(position.heading_rad)])
    middle = driven[0] - position.lateral_m * left
    across = np.array([middle + sign * left * (position.width_m / 2) for sign in (-1, 1)])
    axes.plot(*across.T, color=style.INK, linewidth=2)
    # The first point that is clearly away from the start shows the direction of the drive.
    motion = driven[np.argmax(np.hypot(*(driven - driven[0]).T) > MAX_GAP_M)] - driven[0]
    ahead = np.array([left[1], -left[0]])
    ahead = ahead if motion @ ahead >= 0 else -ahead
    # The arrow stands beside the road, where it does not hide the path.
    edge = middle + left * (position.width_m / 2)
    axes.quiver(
        *(edge + left * position.width_m / 2),
        *ahead,
        color=style.INK,
        scale=22,
        width=0.004,
        zorder=4,
    )


def _label_stations(axes: Axes, track: Track) -> None:
    """Write stations beside the road, on the side with more space."""
    intervals = (50, 100, 200, 500, 1000, 10**9)
    interval_m = next(metres for metres in intervals if track.length_m / metres <= 14)
    room_m = 0.035 * float(np.ptp(track.points[:, :2], axis=0).max())
    for station_m in np.arange(interval_m, track.length_m - interval_m / 2, interval_m):
        position = track.position_at(float(station_m))
        places = []
        for side in (1, -1):
            pose = track.pose_at(float(station_m), side * (position.width_m / 2 + room_m))
            place = np.array([pose.x_m, pose.y_m])
            outwards = side * np.array(
                [-math.sin(position.heading_rad), math.cos(position.heading_rad)]
            )
            away = np.hypot(*(place + room_m * outwards - track.points[:, :2]).T).min()
            places.append((float(away), place))
        _, place = max(places, key=lambda item: item[0])
        axes.annotate(
            f"{station_m:.0f} m",
            tuple(place),
            fontsize=7,
            color=style.FAINT,
            ha="center",
            va="center",
        )


def _summarize(track: Track, lateral_m: Floats, interventions: int) -> str:
    parts = [f"{track.name}: {track.length_m:,.0f} m"]
    if len(lateral_m):
        size = np.abs(lateral_m)
        parts.append(f"off the line by {size.mean():.2f} m on average, {size.max():.2f} m at most")
    parts.append(f"{interventions} intervention{'' if interventions == 1 else 's'}")
    return "  ·  ".join(parts)
