"""Shapes the ground around a road: hills, cliffs and shores that never cover the road."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from simulator.rendering.appearance import Light
from simulator.rendering.mesh import Surface, merge, shade_vertices, vertex_normals
from simulator.rendering.noise import wave_field
from simulator.rendering.ribbons import has_feature
from simulator.track.geometry import Floats, Track

GRID_M: Final = 6.0
EXTENT_M: Final = 120.0
"""Distance from the road up to which there is ground; beyond it, the sky shows painted hills."""
SHOULDER_M: Final = 1.3
WATER_DEPTH_M: Final = 1.4
"""Depth of the water's surface below the lowest road beside it."""
SHORE_WIDTH_M: Final = 7.0
"""Distance from the edge of the road to the edge of the water."""
ROCK_NORMAL_Z: Final = 0.74
"""Vertical part of the normal below which the ground is rock: 42 degrees."""
SIDE_ROAD_ROOM_M: Final = 30.0
"""Distance from the edge of the road up to which the ground at a junction is level."""
WATER_GRID_STEP: Final = 4
"""Grid cells of the ground for each cell of the water's surface."""
NEAREST_BATCH: Final = 4096
"""Grid points whose distances to the road are computed at once, to limit memory."""


@dataclass(frozen=True)
class Terrain:
    """Ground on a grid of H rows and W columns.

    Args:
        x: East coordinates of the columns in metres, (W,).
        y: North coordinates of the rows in metres, (H,).
        heights: Heights of the ground in metres, (H, W).
        road_distance_m: Distances from the edge of the nearest road, (H, W).
        wet: Whether water covers the ground, (H, W).
        water_m: Height of the water's surface, or None if there is no water.
    """

    x: Floats
    y: Floats
    heights: Floats
    road_distance_m: Floats
    wet: NDArray[np.bool_]
    water_m: float | None

    def height_at(self, x: Floats, y: Floats) -> Floats:
        """Return the interpolated heights, (N,), at N positions within the grid."""
        column = np.clip((x - self.x[0]) / GRID_M, 0, len(self.x) - 1.001)
        row = np.clip((y - self.y[0]) / GRID_M, 0, len(self.y) - 1.001)
        i, j = column.astype(int), row.astype(int)
        a, b = column - i, row - j
        low = self.heights[j, i] * (1 - a) + self.heights[j, i + 1] * a
        high = self.heights[j + 1, i] * (1 - a) + self.heights[j + 1, i + 1] * a
        return np.asarray(low * (1 - b) + high * b)


def smoothstep(values: Floats, low: float, high: float) -> Floats:
    """Return 0 for values below low, 1 above high, and a smooth transition between them."""
    share = np.clip((values - low) / (high - low), 0, 1)
    return np.asarray(share * share * (3 - 2 * share))


def generate(track: Track, rng: np.random.Generator) -> Terrain:
    """Return the ground around a track."""
    x, y, positions, distance, index, level = _survey(track)
    # A little below the road, so that the verge of the road's own surface is seen.
    ground = level - 0.7 + 0.5 * smoothstep(distance, SHOULDER_M, SHOULDER_M + 3)
    side_road = _lies_beside(track, "junction", positions, index) & (distance < SIDE_ROAD_ROOM_M)
    # The hills begin beyond the side road, and no plant stands on it.
    distance = np.where(side_road, 0.0, distance)
    ground = _raise_hills(ground, distance, positions, track.style, rng)
    water_m = None
    wet = np.zeros(len(positions), bool)
    water = _lies_beside(track, "water", positions, index)
    if water.any():
        beside = has_feature(track, "water", "left") | has_feature(track, "water", "right")
        water_m = float(track.points[beside, 2].min()) - WATER_DEPTH_M
        bridge = has_feature(track, "bridge", "left")[index]
        ground = _dig_lake(ground, distance, water, bridge, water_m)
        wet = ground < water_m
    shape = (len(y), len(x))
    return Terrain(
        x, y, ground.reshape(shape), distance.reshape(shape), wet.reshape(shape), water_m
    )


@functools.lru_cache(maxsize=2)
def _survey(
    track: Track,
) -> tuple[Floats, Floats, Floats, Floats, NDArray[np.int64], Floats]:
    """Return what the ground has of its track alone: all worlds around the track share it.

    Returns:
        x (W,) and y (H,) of the grid; and for its G = H W positions, row by row: x and y, (G, 2),
        the distance from the edge of the road, (G,), the nearest point of the track, (G,), and the
        level of the road, (G,). They cannot be written to.
    """
    every = max(1, round(2.0 / track.step_m))
    road = track.points[::every]
    low, high = road[:, :2].min(axis=0) - EXTENT_M, road[:, :2].max(axis=0) + EXTENT_M
    x = np.arange(low[0], high[0] + GRID_M, GRID_M)
    y = np.arange(low[1], high[1] + GRID_M, GRID_M)
    positions = np.stack(np.meshgrid(x, y), axis=2).reshape(-1, 2)
    distance, nearest, level = _measure_road(road, positions)
    index = nearest * every
    distance -= track.width_m[index] / 2
    survey = x, y, positions, distance, index, level
    for values in survey:
        values.setflags(write=False)
    return survey


def _lies_beside(
    track: Track, kind: str, positions: Floats, index: NDArray[np.int64]
) -> NDArray[np.bool_]:
    """Return which positions, (G, 2), lie on a side of the road that has a kind of feature.

    Args:
        track: Track.
        kind: Kind of the feature.
        positions: Positions on the plane.
        index: Nearest point of the track for each position, (G,).
    """
    heading = track.heading_rad[index]
    offset = positions - track.points[index, :2]
    left = offset[:, 1] * np.cos(heading) - offset[:, 0] * np.sin(heading) > 0
    return np.where(
        left,
        has_feature(track, kind, "left")[index],
        has_feature(track, kind, "right")[index],
    )


def _raise_hills(
    ground: Floats, distance: Floats, positions: Floats, style: str, rng: np.random.Generator
) -> Floats:
    """Return the ground, (G,), with hills and cliffs some way from the road."""
    far = smoothstep(distance, 6.0, 40.0)
    x, y = positions.T
    if style == "jungle":
        ground = ground + far * (5 + 8 * wave_field(rng, x, y, (160, 80)))
        cliffs = smoothstep(wave_field(rng, x, y, (90, 45)), -0.05, 0.10)
        height = 11 + 3 * wave_field(rng, x, y, (25,))
        return np.asarray(ground + cliffs * smoothstep(distance, 5.0, 12.0) * height)
    ground = ground + far * (2.5 + 5 * wave_field(rng, x, y, (150, 60)))
    cliffs = smoothstep(wave_field(rng, x, y, (120, 70)), 0.22, 0.38)
    height = 8 + 2 * wave_field(rng, x, y, (30,))
    ground = ground + cliffs * smoothstep(distance, 9.0, 17.0) * height
    return np.asarray(ground + 12 * smoothstep(distance, 60.0, 125.0))


def _dig_lake(
    ground: Floats,
    distance: Floats,
    water: NDArray[np.bool_],
    bridge: NDArray[np.bool_],
    water_m: float,
) -> Floats:
    """Return the ground, (G,), below the water where there is a lake, and above it elsewhere."""
    shore = np.where(bridge, 0.5, SHORE_WIDTH_M)
    lake = water & (distance < 70)
    depth_share = np.clip((distance - shore) / 5.0, 0, 1)
    bed = ground * (1 - depth_share) + (water_m - 2.5) * depth_share
    far_shore = smoothstep(distance, 55.0, 70.0)
    ground = np.where(lake, bed * (1 - far_shore) + ground * far_shore, ground)
    return np.where(lake & (distance > shore), ground, np.maximum(ground, water_m + 0.5))


def build_surfaces(
    terrain: Terrain, light: Light, style: str, rng: np.random.Generator
) -> dict[str, Surface]:
    """Return the surfaces of the ground by their texture: rock where it is steep, else soils."""
    columns, rows = len(terrain.x), len(terrain.y)
    grid_x, grid_y = np.meshgrid(terrain.x, terrain.y)
    positions = np.column_stack([grid_x.ravel(), grid_y.ravel(), terrain.heights.ravel()])
    corner = (np.arange(rows - 1)[:, None] * columns + np.arange(columns - 1)).ravel()
    quads = np.stack([corner, corner + 1, corner + columns, corner + columns + 1], axis=1)
    distance = terrain.road_distance_m.ravel()
    quads = quads[distance[quads].min(axis=1) < EXTENT_M]
    triangles = np.concatenate([quads[:, [0, 1, 2]], quads[:, [1, 3, 2]]])
    normals = vertex_normals(positions, triangles)
    colours = shade_vertices(normals, light)
    steep = normals[triangles, 2].min(axis=1) < ROCK_NORMAL_Z
    middle = positions[triangles].mean(axis=1)
    patch = wave_field(rng, middle[:, 0], middle[:, 1], (60, 25))
    if style == "jungle":
        soils = {"grass": ~steep}
    else:
        near = distance[triangles].min(axis=1) < 22
        sandy = (patch > 0.3) & near
        soils = {
            "sand": ~steep & sandy,
            "dry grass": ~steep & ~sandy & (patch > -0.25),
            "earth": ~steep & ~sandy & (patch <= -0.25),
        }
    surfaces = {
        soil: Surface(positions, positions[:, :2] / 7.0, colours, triangles[mask])
        for soil, mask in soils.items()
        if mask.any()
    }
    if not steep.any():
        return surfaces
    # The streaks of a rock face run down it, so its texture uses the axis that runs along the face.
    slope = np.abs(normals[triangles])
    eastern = slope[:, :, 0].sum(axis=1) > slope[:, :, 1].sum(axis=1)
    faces = [
        Surface(
            positions,
            np.column_stack([positions[:, axis] / 15.0, positions[:, 2] / 16.0]),
            colours,
            triangles[steep & mask],
        )
        for axis, mask in ((1, eastern), (0, ~eastern))
    ]
    return {**surfaces, "rock": merge(faces)}


def water_surface(terrain: Terrain, light: Light) -> Surface | None:
    """Return the surface of the water, or None if there is no water."""
    if terrain.water_m is None:
        return None
    x, y = terrain.x[::WATER_GRID_STEP], terrain.y[::WATER_GRID_STEP]
    grid_x, grid_y = np.meshgrid(x, y)
    height = np.full(grid_x.size, terrain.water_m)
    positions = np.column_stack([grid_x.ravel(), grid_y.ravel(), height])
    columns = len(x)
    corner = (np.arange(len(y) - 1)[:, None] * columns + np.arange(columns - 1)).ravel()
    triangles = np.concatenate(
        [
            np.stack([corner, corner + 1, corner + columns], axis=1),
            np.stack([corner + 1, corner + columns + 1, corner + columns], axis=1),
        ]
    )
    up = np.broadcast_to([0.0, 0.0, 1.0], positions.shape)
    colours = 0.55 * shade_vertices(up, light) + 0.4
    return Surface(positions, positions[:, :2] / 30.0, colours, triangles)


def _measure_road(road: Floats, positions: Floats) -> tuple[Floats, NDArray[np.int64], Floats]:
    """Return the distance to the centre line, its nearest point, and the level of the road.

    The level is the mean height of all points of the road, weighted by 1/distance⁴. Near the road
    it is the road's own height, and between two parts of the road it changes smoothly.

    Args:
        road: Points of the centre line, (R, 3).
        positions: Positions on the plane, (G, 2).

    Returns:
        Three arrays (G,).
    """
    distance = np.empty(len(positions))
    nearest = np.empty(len(positions), np.int64)
    level = np.empty(len(positions))
    for start in range(0, len(positions), NEAREST_BATCH):
        part = slice(start, start + NEAREST_BATCH)
        square = ((positions[part, None] - road[None, :, :2]) ** 2).sum(axis=2)
        nearest[part] = square.argmin(axis=1)
        distance[part] = np.sqrt(square.min(axis=1))
        weight = 1 / (square + 4.0) ** 2
        level[part] = (weight * road[:, 2]).sum(axis=1) / weight.sum(axis=1)
    return distance, nearest, level
