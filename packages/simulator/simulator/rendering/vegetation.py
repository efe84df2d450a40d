"""Places trees and shrubs as crossed cards, and rocks as rough spheres."""

from __future__ import annotations

from typing import Final

import numpy as np

from simulator.rendering.appearance import Light
from simulator.rendering.mesh import Surface, merge, shade_vertices
from simulator.rendering.noise import wave_field
from simulator.rendering.terrain import Terrain
from simulator.track.geometry import Floats

MIN_ROAD_DISTANCE_M: Final = 4.5
"""Smallest distance from the edge of the road to a plant's stem."""
CLUMP_SIZE_M: Final = 45.0
CANDIDATES_PER_SITE: Final = 12


def choose_sites(
    terrain: Terrain,
    rng: np.random.Generator,
    count: int,
    min_distance_m: float,
    max_distance_m: float,
) -> Floats:
    """Return up to `count` positions in clumps on dry ground, (N, 3).

    Args:
        terrain: Ground around the road.
        rng: Random numbers.
        count: Maximum number of positions.
        min_distance_m: Smallest distance from the edge of the road.
        max_distance_m: Largest distance from the edge of the road.
    """
    candidates = count * CANDIDATES_PER_SITE
    x = rng.uniform(terrain.x[0], terrain.x[-1], candidates)
    y = rng.uniform(terrain.y[0], terrain.y[-1], candidates)
    column = ((x - terrain.x[0]) / (terrain.x[1] - terrain.x[0])).round().astype(int)
    column = np.clip(column, 0, len(terrain.x) - 1)
    row = ((y - terrain.y[0]) / (terrain.y[1] - terrain.y[0])).round().astype(int)
    row = np.clip(row, 0, len(terrain.y) - 1)
    distance = terrain.road_distance_m[row, column]
    suitable = (distance > min_distance_m + 3.6) & (distance < max_distance_m)
    suitable &= ~terrain.wet[row, column]
    # There are fewer plants far away, where each is only a few pixels.
    suitable &= rng.random(len(x)) < np.clip(28 / np.maximum(distance, 1), 0.1, 1)
    clump = wave_field(rng, x, y, (CLUMP_SIZE_M,)) + rng.uniform(-0.6, 0.6, len(x))
    suitable &= clump > 0
    chosen = np.flatnonzero(suitable)[:count]
    x, y = x[chosen], y[chosen]
    return np.column_stack([x, y, terrain.height_at(x, y)])


def crossed_cards(
    positions: Floats,
    rng: np.random.Generator,
    light: Light,
    height_range_m: tuple[float, float],
    variants: int,
) -> Surface:
    """Return two upright pictures that cross each other at each position.

    Args:
        positions: Positions of the plants, (N, 3).
        rng: Random numbers.
        light: Light that falls on the plants.
        height_range_m: Smallest and largest height; the width is half of the height.
        variants: Number of pictures side by side in the texture; each plant gets one of them.
    """
    # Leaves face all directions, so a plant is as bright as a slope that half faces the sun.
    shade = shade_vertices(np.array([[0.0, 0.0, 0.75]]), light)
    parts = []
    for x, y, z in positions:
        height = float(rng.uniform(*height_range_m))
        turn = float(rng.uniform(0, np.pi))
        brightness = float(rng.uniform(0.75, 1.1))
        variant = float(rng.integers(variants))
        texture = np.array([(0.02, 0.0), (0.98, 0.0), (0.02, 1.0), (0.98, 1.0)])
        texture[:, 0] = (variant + texture[:, 0]) / variants
        for angle in (turn, turn + np.pi / 2):
            dx, dy = np.cos(angle) * height / 4, np.sin(angle) * height / 4
            low, high = z - 0.4, z + height
            corners = np.array(
                [
                    (x - dx, y - dy, low),
                    (x + dx, y + dy, low),
                    (x - dx, y - dy, high),
                    (x + dx, y + dy, high),
                ]
            )
            colours = np.repeat(shade * brightness, 4, axis=0)
            parts.append(Surface(corners, texture, colours, np.array([(0, 1, 2), (1, 3, 2)])))
    return merge(parts)


def build_rocks(
    positions: Floats, rng: np.random.Generator, light: Light, size_range_m: tuple[float, float]
) -> Surface:
    """Return a rough boulder at each of the positions, (N, 3)."""
    rings, corners = 5, 9
    tilt = np.linspace(0, np.pi * 0.62, rings)
    turn = np.linspace(0, 2 * np.pi, corners, endpoint=False)
    ball = np.array(
        [(np.sin(a) * np.cos(b), np.sin(a) * np.sin(b), np.cos(a)) for a in tilt for b in turn]
    )
    pairs = np.array(
        [
            (ring * corners + corner, ring * corners + (corner + 1) % corners)
            for ring in range(rings - 1)
            for corner in range(corners)
        ]
    )
    triangles = np.concatenate(
        [
            np.column_stack([pairs[:, 0], pairs[:, 0] + corners, pairs[:, 1]]),
            np.column_stack([pairs[:, 1], pairs[:, 0] + corners, pairs[:, 1] + corners]),
        ]
    )
    parts = []
    for position in positions:
        size = rng.uniform(*size_range_m) * rng.uniform((0.8, 0.8, 0.45), (1.5, 1.5, 0.9))
        roughness = np.repeat(rng.uniform(0.8, 1.15, rings), corners) * rng.uniform(
            0.88, 1.12, len(ball)
        )
        roughness[:corners] = 1.0  # The corners of the first ring are one point, the top.
        shape = ball * roughness[:, None]
        colours = shade_vertices(ball, light) * rng.uniform(0.8, 1.1)
        texture = np.column_stack([np.tile(turn / 2, rings), np.repeat(tilt, corners)])
        parts.append(Surface(shape * size + position, texture, colours, triangles))
    return merge(parts)
