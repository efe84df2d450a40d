"""The ground around a road: hills, cliffs, shores; it joins the road and never covers it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from simulator.rendering.appearance import Light
from simulator.rendering.mesh import Surface, joined, lit, normals
from simulator.rendering.noise import field
from simulator.rendering.ribbons import along
from simulator.track.geometry import Floats, Track

GRID_M: Final = 6.0
AROUND_M: Final = 120.0
"""As far from the road as there is ground; what is further away is painted on the sky."""
SHOULDER_M: Final = 1.3
WATER_M: Final = 1.4
"""The water's surface, below the lowest road beside it."""
SHORE_M: Final = 7.0
"""From the road's edge to the water's."""
STEEP: Final = 0.74
"""Vertical part of the normal below which the ground is rock: 42 degrees."""


@dataclass(frozen=True)
class Land:
    """Ground on a grid.

    Args:
        x: (W,), metres.
        y: (H,), metres.
        heights: (H, W), metres.
        away: (H, W), distance from the nearest road's edge, metres.
        wet: (H, W), whether water covers it.
        water_m: height of the water's surface; None: there is none.
    """

    x: Floats
    y: Floats
    heights: Floats
    away: Floats
    wet: NDArray[np.bool_]
    water_m: float | None

    def at(self, x: Floats, y: Floats) -> Floats:
        """Return the (N,) heights of places, (N,) each, within the grid."""
        column = np.clip((x - self.x[0]) / GRID_M, 0, len(self.x) - 1.001)
        row = np.clip((y - self.y[0]) / GRID_M, 0, len(self.y) - 1.001)
        i, j = column.astype(int), row.astype(int)
        a, b = column - i, row - j
        low = self.heights[j, i] * (1 - a) + self.heights[j, i + 1] * a
        high = self.heights[j + 1, i] * (1 - a) + self.heights[j + 1, i + 1] * a
        return np.asarray(low * (1 - b) + high * b)


def rise(values: Floats, low: float, high: float) -> Floats:
    """Return 0 below low, 1 above high, and smoothly between."""
    share = np.clip((values - low) / (high - low), 0, 1)
    return np.asarray(share * share * (3 - 2 * share))


def form(track: Track, chance: np.random.Generator) -> Land:
    """Return the ground around a track."""
    every = max(1, round(2.0 / track.step_m))
    road = track.points[::every]
    low, high = road[:, :2].min(axis=0) - AROUND_M, road[:, :2].max(axis=0) + AROUND_M
    x = np.arange(low[0], high[0] + GRID_M, GRID_M)
    y = np.arange(low[1], high[1] + GRID_M, GRID_M)
    places = np.stack(np.meshgrid(x, y), axis=2).reshape(-1, 2)
    away, near, level = _nearest(track, road, places)
    index = near * every
    away -= track.width_m[index] / 2
    heading = track.heading_rad[index]
    offset = places - track.points[index, :2]
    left = offset[:, 1] * np.cos(heading) - offset[:, 0] * np.sin(heading) > 0
    water = np.where(
        left, along(track, "water", "left")[index], along(track, "water", "right")[index]
    )
    bridge = along(track, "bridge", "left")[index]

    # A little below the road beside it, so that its own verge is what is seen.
    ground = level - 0.7 + 0.5 * rise(away, SHOULDER_M, SHOULDER_M + 3)
    far = rise(away, 6.0, 40.0)
    px, py = places.T
    if track.style == "jungle":
        ground = ground + far * (5 + 8 * field(chance, px, py, (160, 80)))
        cliffs = rise(field(chance, px, py, (90, 45)), -0.05, 0.10)
        ground = ground + cliffs * rise(away, 5.0, 12.0) * (11 + 3 * field(chance, px, py, (25,)))
    else:
        ground = ground + far * (2.5 + 5 * field(chance, px, py, (150, 60)))
        cliffs = rise(field(chance, px, py, (120, 70)), 0.22, 0.38)
        ground = ground + cliffs * rise(away, 9.0, 17.0) * (8 + 2 * field(chance, px, py, (30,)))
        ground = ground + 12 * rise(away, 60.0, 125.0)
    water_m = None
    wet = np.zeros(len(places), bool)
    if water.any():
        beside = along(track, "water", "left") | along(track, "water", "right")
        water_m = float(track.points[beside, 2].min()) - WATER_M
        shore = np.where(bridge, 0.5, SHORE_M)
        deep = water & (away < 70) * np.ones(1, bool)
        dive = np.clip((away - shore) / 5.0, 0, 1)
        under = ground * (1 - dive) + (water_m - 2.5) * dive
        back = rise(away, 55.0, 70.0)
        ground = np.where(deep, under * (1 - back) + ground * back, ground)
        ground = np.where(deep & (away > shore), ground, np.maximum(ground, water_m + 0.5))
        wet = ground < water_m
    shape = (len(y), len(x))
    return Land(x, y, ground.reshape(shape), away.reshape(shape), wet.reshape(shape), water_m)


def surfaces(
    land: Land, light: Light, style: str, chance: np.random.Generator
) -> dict[str, Surface]:
    """Return the ground by what covers it: rock where it is steep, and soils."""
    columns, rows = len(land.x), len(land.y)
    px, py = np.meshgrid(land.x, land.y)
    places = np.column_stack([px.ravel(), py.ravel(), land.heights.ravel()])
    corner = (np.arange(rows - 1)[:, None] * columns + np.arange(columns - 1)).ravel()
    quads = np.stack([corner, corner + 1, corner + columns, corner + columns + 1], axis=1)
    quads = quads[land.away.ravel()[quads].min(axis=1) < AROUND_M]
    triangles = np.concatenate([quads[:, [0, 1, 2]], quads[:, [1, 3, 2]]])
    facing = normals(places, triangles)
    colours = lit(facing, light)
    steep = facing[triangles, 2].min(axis=1) < STEEP
    middle = places[triangles].mean(axis=1)
    patch = field(chance, middle[:, 0], middle[:, 1], (60, 25))
    if style == "jungle":
        kinds = {"grass": ~steep}
    else:
        near = land.away.ravel()[triangles].min(axis=1) < 22
        sandy = (patch > 0.3) & near
        kinds = {
            "sand": ~steep & sandy,
            "dry grass": ~steep & ~sandy & (patch > -0.25),
            "earth": ~steep & ~sandy & (patch <= -0.25),
        }
    found = {
        kind: Surface(places, places[:, :2] / 7.0, colours, triangles[chosen])
        for kind, chosen in kinds.items()
        if kind != "rock" and chosen.any()
    }
    # A face's streaks run down it: across goes whichever axis runs more along the face.
    eastern = np.abs(facing[triangles, 0]).sum(axis=1) > np.abs(facing[triangles, 1]).sum(axis=1)
    faces = [
        Surface(
            places,
            np.column_stack([places[:, axis] / 15.0, places[:, 2] / 16.0]),
            colours,
            triangles[steep & chosen],
        )
        for axis, chosen in ((1, eastern), (0, ~eastern))
    ]
    return {**found, "rock": joined(faces)} if steep.any() else found


def water(land: Land, light: Light) -> Surface | None:
    """Return the water's surface, or None where there is none."""
    if land.water_m is None:
        return None
    step = 4
    x, y = land.x[::step], land.y[::step]
    px, py = np.meshgrid(x, y)
    places = np.column_stack([px.ravel(), py.ravel(), np.full(px.size, land.water_m)])
    corner = (np.arange(len(y) - 1)[:, None] * len(x) + np.arange(len(x) - 1)).ravel()
    across = len(x)
    triangles = np.concatenate(
        [
            np.stack([corner, corner + 1, corner + across], axis=1),
            np.stack([corner + 1, corner + across + 1, corner + across], axis=1),
        ]
    )
    up = np.broadcast_to([0.0, 0.0, 1.0], places.shape)
    return Surface(places, places[:, :2] / 30.0, 0.55 * lit(up, light) + 0.4, triangles)


def _nearest(
    track: Track, road: Floats, places: Floats
) -> tuple[Floats, NDArray[np.int64], Floats]:
    """Return, of (G, 2) places, the distance to the centre line, its point, and the road's level.

    The level is the mean of all points' heights, weighted by 1/distance⁴: the road's own beside
    it, and a smooth passage between two parts of different height.
    """
    away = np.empty(len(places))
    near = np.empty(len(places), np.int64)
    level = np.empty(len(places))
    for start in range(0, len(places), 4096):
        part = slice(start, start + 4096)
        square = ((places[part, None] - road[None, :, :2]) ** 2).sum(axis=2)
        near[part] = square.argmin(axis=1)
        away[part] = np.sqrt(square.min(axis=1))
        weight = 1 / (square + 4.0) ** 2
        level[part] = (weight * road[:, 2]).sum(axis=1) / weight.sum(axis=1)
    return away, near, level
