"""What stands on the ground: trees and shrubs as crossed pictures, rocks as rough spheres."""

from __future__ import annotations

from typing import Final

import numpy as np

from simulator.rendering.appearance import Light
from simulator.rendering.mesh import Surface, joined, lit
from simulator.rendering.noise import field
from simulator.rendering.terrain import Land
from simulator.track.geometry import Floats, Track

NEAREST_M: Final = 4.5
"""From the road's edge to a stem."""
CLUMP_M: Final = 45.0


def sites(
    track: Track, land: Land, chance: np.random.Generator, count: int, clear_m: float, far_m: float
) -> Floats:
    """Return up to `count` places, (N, 3), on dry ground beside the road, in clumps.

    Args:
        track: beside which.
        land: on which.
        chance: where.
        count: at most.
        clear_m: nearest to the road's edge.
        far_m: farthest from it.
    """
    x = chance.uniform(land.x[0], land.x[-1], count * 12)
    y = chance.uniform(land.y[0], land.y[-1], count * 12)
    column = np.clip(
        ((x - land.x[0]) / (land.x[1] - land.x[0])).round().astype(int), 0, len(land.x) - 1
    )
    row = np.clip(
        ((y - land.y[0]) / (land.y[1] - land.y[0])).round().astype(int), 0, len(land.y) - 1
    )
    away = land.away[row, column]
    fit = (away > clear_m + 3.6) & (away < far_m) & ~land.wet[row, column]
    # The nearer, the more: what is far away is seen as few pixels.
    fit &= chance.random(len(x)) < np.clip(28 / np.maximum(away, 1), 0.1, 1)
    fit &= field(chance, x, y, (CLUMP_M,)) + chance.uniform(-0.6, 0.6, len(x)) > 0
    chosen = np.flatnonzero(fit)[:count]
    return np.column_stack([x[chosen], y[chosen], land.at(x[chosen], y[chosen])])


def cards(
    places: Floats,
    chance: np.random.Generator,
    light: Light,
    tall_m: tuple[float, float],
    kinds: int,
) -> Surface:
    """Return two upright pictures, crossed, at each of (N, 3) places; half as wide as tall.

    The texture has `kinds` pictures side by side; each place gets one of them.
    """
    parts = []
    for x, y, z in places:
        tall = float(chance.uniform(*tall_m))
        turn = float(chance.uniform(0, np.pi))
        shade = float(chance.uniform(0.75, 1.1))
        left = float(chance.integers(kinds))
        texture = np.array([(0.02, 0.0), (0.98, 0.0), (0.02, 1.0), (0.98, 1.0)])
        texture[:, 0] = (left + texture[:, 0]) / kinds
        for angle in (turn, turn + np.pi / 2):
            dx, dy = np.cos(angle) * tall / 4, np.sin(angle) * tall / 4
            low, high = z - 0.4, z + tall
            corners = np.array(
                [
                    (x - dx, y - dy, low),
                    (x + dx, y + dy, low),
                    (x - dx, y - dy, high),
                    (x + dx, y + dy, high),
                ]
            )
            # Leaves face all ways: as bright as a slope that half faces the sun.
            facing = np.array([[0.0, 0.0, 1.0]]) * 0.75
            colours = np.repeat(lit(facing, light) * shade, 4, axis=0)
            parts.append(Surface(corners, texture, colours, np.array([(0, 1, 2), (1, 3, 2)])))
    return joined(parts)


def rocks(
    places: Floats, chance: np.random.Generator, light: Light, size_m: tuple[float, float]
) -> Surface:
    """Return a rough boulder at each of (N, 3) places."""
    rings, around = 5, 9
    tilt = np.linspace(0, np.pi * 0.62, rings)
    turn = np.linspace(0, 2 * np.pi, around, endpoint=False)
    ball = np.array(
        [(np.sin(a) * np.cos(b), np.sin(a) * np.sin(b), np.cos(a)) for a in tilt for b in turn]
    )
    corner = np.array(
        [
            (r * around + c, r * around + (c + 1) % around)
            for r in range(rings - 1)
            for c in range(around)
        ]
    )
    triangles = np.concatenate(
        [
            np.column_stack([corner[:, 0], corner[:, 0] + around, corner[:, 1]]),
            np.column_stack([corner[:, 1], corner[:, 0] + around, corner[:, 1] + around]),
        ]
    )
    parts = []
    for place in places:
        size = chance.uniform(*size_m) * chance.uniform((0.8, 0.8, 0.45), (1.5, 1.5, 0.9))
        rough = np.repeat(chance.uniform(0.8, 1.15, rings), around) * chance.uniform(
            0.88, 1.12, len(ball)
        )
        rough[:around] = 1.0  # the top is one point
        shape = ball * rough[:, None]
        colours = lit(ball, light) * chance.uniform(0.8, 1.1)
        texture = np.column_stack([np.tile(turn / 2, rings), np.repeat(tilt, around)])
        parts.append(Surface(shape * size + place, texture, colours, triangles))
    return joined(parts)
