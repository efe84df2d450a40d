"""A track on paper: from metres to pixels, north up and at equal scale."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulator.track.geometry import Track

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Plan:
    """A scale and an origin."""

    left_m: float
    top_m: float
    x: float
    y: float
    """Pixels at (left_m, top_m)."""
    scale: float
    """Pixels a metre."""

    def pixels(self, points_m: Floats) -> Floats:
        """Return (N, 2) pixels, x to the right and y down, of (N, 2) metres."""
        return (points_m - (self.left_m, self.top_m)) * (self.scale, -self.scale) + (self.x, self.y)


def fit(points_m: Floats, wide: int, heights: tuple[int, int], room: int) -> tuple[Plan, int]:
    """Return the largest plan that shows all points, its corner at (0, 0); and its height.

    Args:
        points_m: (N, 2).
        wide: pixels.
        heights: the least and the greatest that it may have, in pixels.
        room: to be left around the points, in pixels.
    """
    low, high = points_m.min(axis=0), points_m.max(axis=0)
    wide_m, high_m = (float(each) for each in np.maximum(high - low, 1.0))
    inner = wide - 2 * room
    tall = int(np.clip(inner * high_m / wide_m + 2 * room, *heights))
    scale = min(inner / wide_m, (tall - 2 * room) / high_m)
    plan = Plan(
        left_m=float(low[0]),
        top_m=float(high[1]),
        x=(wide - scale * wide_m) / 2,
        y=(tall - scale * high_m) / 2,
        scale=scale,
    )
    return plan, tall


def edges(track: Track) -> tuple[Floats, Floats]:
    """Return the left and the right edge of the road, (N, 2) each; closed where it is."""
    across = np.column_stack([-np.sin(track.heading_rad), np.cos(track.heading_rad)])
    half = track.width_m[:, None] / 2 * across
    left, right = track.points[:, :2] + half, track.points[:, :2] - half
    if track.closed:
        left, right = np.concatenate([left, left[:1]]), np.concatenate([right, right[:1]])
    return left, right
