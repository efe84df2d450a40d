"""Projects a track from metres to pixels; north is up, and both axes have the same scale."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulator.track.geometry import Track

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class MapProjection:
    """Scale and origin of a map."""

    left_m: float
    top_m: float
    x: float
    """Pixel column of left_m."""
    y: float
    """Pixel row of top_m."""
    scale: float
    """Pixels for each metre."""

    def pixels(self, points_m: Floats) -> Floats:
        """Return the pixels, (N, 2), x to the right and y down, of points in metres, (N, 2)."""
        return (points_m - (self.left_m, self.top_m)) * (self.scale, -self.scale) + (self.x, self.y)


def fit_projection(
    points_m: Floats, width_px: int, height_range_px: tuple[int, int], margin_px: int
) -> tuple[MapProjection, int]:
    """Return the projection with the largest scale that shows all points, and its height.

    The corner of the map is at the pixel (0, 0).

    Args:
        points_m: Points to show, (N, 2).
        width_px: Width of the map.
        height_range_px: Smallest and largest height of the map.
        margin_px: Space around the points.
    """
    low, high = points_m.min(axis=0), points_m.max(axis=0)
    width_m, height_m = (float(size) for size in np.maximum(high - low, 1.0))
    inner = width_px - 2 * margin_px
    height_px = int(np.clip(inner * height_m / width_m + 2 * margin_px, *height_range_px))
    scale = min(inner / width_m, (height_px - 2 * margin_px) / height_m)
    projection = MapProjection(
        left_m=float(low[0]),
        top_m=float(high[1]),
        x=(width_px - scale * width_m) / 2,
        y=(height_px - scale * height_m) / 2,
        scale=scale,
    )
    return projection, height_px


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
