"""Draws what lies beside a random road: kerbs, dirt edges, bridges, water, shade and junctions."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from simulator.track.geometry import STEP_M, Floats, RoadFeature

STRAIGHT_RADIUS_M: Final = 100.0
"""Least radius of a bend that counts as straight: a bridge or a junction can be there."""
KERB_RADIUS_RANGE_M: Final = (45.0, 90.0)
"""Range of the largest radius of a bend that has kerbs."""
MIN_KERB_M: Final = 8.0
BRIDGE_RANGE_M: Final = (35.0, 85.0)
SHORE_M: Final = 24.0
"""Length of the water before and after a bridge."""
WATER_ABOVE_LOWEST_M: Final = 0.5
"""Largest height of a road beside water above the lowest place of the track. The water's surface
is 1.4 m below the road beside it, and must not reach another part."""
JUNCTION_RANGE_M: Final = (8.0, 14.0)
DIRT_RANGE_M: Final = (16.0, 45.0)
OPENING_ROOM_M: Final = 34.0
"""Diameter of the circle beside an opening in which there is no road."""
SHADE_RANGE_M: Final = (20.0, 90.0)
TRIES: Final = 12

Mask = NDArray[np.bool_]


def draw_features(
    points: Floats, curvature: Floats, width_m: Floats, style: str, rng: np.random.Generator
) -> tuple[RoadFeature, ...]:
    """Return what lies beside a random road.

    Args:
        points: Points in equal steps of STEP_M, (N, 3).
        curvature: Curvature at each point, (N,).
        width_m: Width of the road at each point, (N,).
        style: Look of the world: lake or jungle.
        rng: Random numbers.
    """
    bend = np.abs(curvature)
    straight = bend < 1 / STRAIGHT_RADIUS_M
    taken: Mask = np.zeros(len(points), bool)
    features: list[RoadFeature] = []
    if rng.random() < 0.5:
        features += _draw_bridge(points, straight, taken, rng)
    for _ in range(int(rng.integers(4))):
        features += _draw_opening(points, width_m, bend, taken, rng)
    if rng.random() < (0.65 if style == "lake" else 0.25):
        low, high = KERB_RADIUS_RANGE_M
        largest_m = low + (high - low) * float(rng.random())
        features += _kerbs(bend > 1 / largest_m)
    elif rng.random() < 0.6:
        features.append(RoadFeature("dirt edge", 0.0, len(points) * STEP_M))
    if style == "jungle":
        for _ in range(int(rng.integers(9))):
            part = _draw_part(np.ones(len(points), bool), taken, SHADE_RANGE_M, rng)
            if part is not None:
                features.append(RoadFeature("shade", *part))
    return tuple(features)


def middle_of_longest(mask: Mask) -> int:
    """Return the index in the middle of the longest run of a closed mask; 0 if there is none."""
    runs = _runs(mask)
    if not runs:
        return 0
    first, length = max(runs, key=lambda run: run[1])
    return (first + length // 2) % len(mask)


def _runs(mask: Mask) -> list[tuple[int, int]]:
    """Return the first index and the length of each run of a closed mask."""
    if mask.all():
        return [(0, len(mask))]
    before = np.roll(mask, 1)
    starts, ends = np.flatnonzero(mask & ~before), np.flatnonzero(before & ~mask)
    if len(ends) and ends[0] < starts[0]:  # A run continues beyond the end of the mask.
        ends = np.roll(ends, -1)
    lengths = (ends - starts) % len(mask)
    return list(zip(starts.tolist(), lengths.tolist(), strict=True))


def _kerbs(tight: Mask) -> list[RoadFeature]:
    """Return kerbs on both sides of each tight bend."""
    return [
        RoadFeature("kerb", first * STEP_M, ((first + length) % len(tight)) * STEP_M)
        for first, length in _runs(tight)
        if length * STEP_M >= MIN_KERB_M
    ]


def _draw_part(
    allowed: Mask, taken: Mask, range_m: tuple[float, float], rng: np.random.Generator
) -> tuple[float, float] | None:
    """Return the stations of a random part of the road, or None; the part is then taken.

    Args:
        allowed: Points at which the part may be, (N,).
        taken: Points that have a feature already, (N,); changed in place.
        range_m: Smallest and largest length.
        rng: Random numbers.
    """
    low, high = range_m
    for _ in range(TRIES):
        count = int((low + (high - low) * float(rng.random())) / STEP_M)
        first = int(rng.integers(max(1, len(taken) - count)))
        part = slice(first, first + count)
        if allowed[part].all() and not taken[part].any():
            taken[part] = True
            return first * STEP_M, (first + count) * STEP_M
    return None


def _draw_bridge(
    points: Floats, straight: Mask, taken: Mask, rng: np.random.Generator
) -> list[RoadFeature]:
    """Return a bridge on a straight, with water below it if no other part of the road is lower."""
    part = _draw_part(straight, taken, BRIDGE_RANGE_M, rng)
    if part is None:
        return []
    bridge = RoadFeature("bridge", *part)
    shore = max(0.0, part[0] - SHORE_M), min(len(points) * STEP_M, part[1] + SHORE_M)
    beside = points[int(shore[0] / STEP_M) : int(shore[1] / STEP_M), 2]
    if beside.min() > points[:, 2].min() + WATER_ABOVE_LOWEST_M:
        return [bridge]
    return [bridge, RoadFeature("water", *shore)]


def _draw_opening(
    points: Floats, width_m: Floats, bend: Mask, taken: Mask, rng: np.random.Generator
) -> list[RoadFeature]:
    """Return a junction or a dirt opening on one side, if there is room for it."""
    kind, range_m = ("junction", JUNCTION_RANGE_M) if rng.random() < 0.6 else ("dirt", DIRT_RANGE_M)
    side, sign = ("left", 1.0) if rng.random() < 0.5 else ("right", -1.0)
    part = _draw_part(bend < 1 / 30, taken, range_m, rng)
    if part is None:
        return []
    middle = int((part[0] + part[1]) / 2 / STEP_M)
    step = points[(middle + 1) % len(points), :2] - points[middle, :2]
    step = step / np.sqrt(step[0] * step[0] + step[1] * step[1])
    reach = width_m[middle] / 2 + OPENING_ROOM_M / 2
    centre = points[middle, :2] + sign * reach * np.array([-step[1], step[0]])
    away = points[:, :2] - centre
    # The road itself passes half of its width beside this circle.
    if (away[:, 0] * away[:, 0] + away[:, 1] * away[:, 1] < OPENING_ROOM_M**2 / 4).any():
        return []
    return [RoadFeature(kind, *part, side)]
