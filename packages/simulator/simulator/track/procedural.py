"""Makes a track from a seed: any number of closed roads with the statistics of real ones.

A road is a closed cubic B-spline. Its control points lie on a random polygon that never crosses
itself, with rounded corners. docs/simulator.md compares the statistics with those of built-in and
recorded tracks.

Everything is computed with sums, products, quotients and square roots. IEEE 754 rounds these alike
on every machine, so a seed gives the same track everywhere, to the bit.
"""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass
from typing import Final

import numpy as np

from contract.errors import SettingError
from simulator.track import b_spline, roadside
from simulator.track.geometry import STEP_M, Floats, Track
from simulator.track.outline import Radii, draw_outline, round_corners

PREFIX: Final = "random:"
MAX_SEED: Final = 2**32 - 1
LENGTH_RANGE_M: Final = (700.0, 2000.0)
MIN_RADIUS_M: Final = 11.5
"""Smallest radius of a bend; the tightest one of jungle has 12 m."""
MAX_CURVATURE_CHANGE: Final = 0.019
"""Largest change of the curvature in 1/m for each metre. At 15 mph a driver then has a second for a
full turn of the steering wheel."""
CLEARANCE_M: Final = 12.0
"""Smallest distance between the edges of two parts of the road."""
CLEARANCE_STEP_M: Final = 4.0
CONTROL_STEP_M: Final = 6.0
"""Distance between control points. The curvature changes over about two of them, as long as it
takes a driver to turn the steering wheel."""
MAX_ATTEMPTS: Final = 200
"""Number of outlines that are tried for a seed. About half of them can be used."""
CACHED_TRACKS: Final = 16


@dataclass(frozen=True)
class RoadKind:
    """Ranges from which the shape of a road is drawn."""

    spacing_m: tuple[float, float]
    """Width of the columns and rows of the grid on which the outline is drawn."""
    length_m: tuple[float, float]
    """Length of the outline; rounded corners take a fifth of it away."""
    radii: Radii
    grade: tuple[float, float]
    """Rise over run at the steepest place."""
    hill_m: tuple[float, float]
    """Distance between the places whose heights are drawn."""


KINDS: Final = {
    "lake": RoadKind(
        (50, 175), (950, 1800), Radii((18, 150), (100, 500)), (0.005, 0.04), (90, 160)
    ),
    "jungle": RoadKind((27, 110), (1100, 2000), Radii((12, 70), (40, 250)), (0.03, 0.1), (70, 130)),
}


def parse_seed(name: str) -> int:
    """Return the seed of the name of a random track, such as random:7.

    Raises:
        SettingError: The name has no such seed.
    """
    text = name.removeprefix(PREFIX)
    if re.fullmatch("0|[1-9][0-9]{0,9}", text, re.ASCII) and int(text) <= MAX_SEED:
        return int(text)
    raise SettingError(
        "this is not a seed of a random track",
        got=name,
        remedy=f"Write {PREFIX} and a whole number from 0 to {MAX_SEED:,} without commas, "
        f"such as {PREFIX}7",
    )


@functools.lru_cache(maxsize=CACHED_TRACKS)
def random_track(seed: int) -> Track:
    """Return the track of a seed; a process makes each of them once.

    Args:
        seed: Seed, 0 to MAX_SEED.

    Raises:
        SettingError: No road could be drawn from the seed.
    """
    # The style is drawn once: roads of jungle are refused more often.
    style = "lake" if np.random.Generator(np.random.PCG64([seed])).random() < 0.5 else "jungle"
    for attempt in range(MAX_ATTEMPTS):
        rng = np.random.Generator(np.random.PCG64([seed, attempt]))
        track = _draw_track(f"{PREFIX}{seed}", style, rng)
        if track is not None:
            return track
    raise SettingError(
        "no road could be drawn from this seed",
        got=f"{PREFIX}{seed}, {MAX_ATTEMPTS} attempts",
        remedy="Name another seed",
    )


def _draw_track(name: str, style: str, rng: np.random.Generator) -> Track | None:
    """Return a random track, or None if this one's road is too tight, too long or too short."""
    kind = KINDS[style]
    corners = draw_outline(rng, kind.spacing_m, between(kind.length_m, rng))
    rounded = round_corners(corners, kind.radii, MIN_RADIUS_M + 0.5, rng)
    if rounded is None:
        return None
    controls = b_spline.resample(rounded, CONTROL_STEP_M)
    if rng.random() < 0.5:
        controls = controls[::-1]
    plan = b_spline.curve_in_equal_steps(controls, STEP_M)
    curvature = plan_curvature(plan)
    markings, width_m, lane_m = _draw_width(style, len(plan), rng)
    if not LENGTH_RANGE_M[0] <= len(plan) * STEP_M <= LENGTH_RANGE_M[1]:
        return None
    change = np.abs(curvature - np.roll(curvature, 1)).max() / STEP_M
    if np.abs(curvature).max() * MIN_RADIUS_M > 1 or change > MAX_CURVATURE_CHANGE:
        return None
    if not is_clear(plan, width_m, CLEARANCE_M):
        return None
    first = roadside.middle_of_longest(np.abs(curvature) < 1 / roadside.STRAIGHT_RADIUS_M)
    plan, curvature = np.roll(plan, -first, axis=0), np.roll(curvature, -first)
    plan = plan - plan[0]
    points = np.column_stack([plan, _draw_heights(plan, kind, rng)])
    features = roadside.draw_features(points, curvature, width_m, style, rng)
    return Track(name, style, True, points, width_m, lane_m, features, markings)


def between(bounds: tuple[float, float], rng: np.random.Generator) -> float:
    """Return a random number between two bounds."""
    low, high = bounds
    return low + (high - low) * float(rng.random())


def plan_curvature(plan: Floats) -> Floats:
    """Return the curvature in 1/m at points in equal steps, (N,), positive to the left.

    It is the cross product of the steps before and after a point, over their length cubed.
    """
    after = np.roll(plan, -1, axis=0) - plan
    before = np.roll(after, 1, axis=0)
    cross = before[:, 0] * after[:, 1] - before[:, 1] * after[:, 0]
    square = after[:, 0] * after[:, 0] + after[:, 1] * after[:, 1]
    return np.asarray(cross / (square * np.sqrt(square)))


def is_clear(plan: Floats, width_m: Floats, clearance_m: float) -> bool:
    """Return whether parts of a road that are far apart along it are far apart on the ground.

    Args:
        plan: Points in equal steps of STEP_M, (N, 2).
        width_m: Width of the road at each point, (N,).
        clearance_m: Smallest distance between the edges.
    """
    every = round(CLEARANCE_STEP_M / STEP_M)
    x, y = np.concatenate([plan[::every], plan[::every]]).T
    width = np.tile(width_m[::every], 2)
    count = len(x) // 2
    for shift in range(1, count // 2 + 1):
        dx, dy = x[shift : shift + count] - x[:count], y[shift : shift + count] - y[:count]
        least_m = (width[shift : shift + count] + width[:count]) / 2 + clearance_m
        # Half way around the tightest bend that is allowed, the road is that far from where it was.
        far_along = shift * CLEARANCE_STEP_M > least_m * (np.pi / 2)
        if (far_along & (dx * dx + dy * dy < least_m * least_m)).any():
            return False
    return True


def _draw_width(style: str, count: int, rng: np.random.Generator) -> tuple[str, Floats, float]:
    """Return the markings of a road, its width at each point, (count,), and its driving line."""
    chance = float(rng.random())
    if style == "jungle":
        markings = "lanes" if chance < 0.6 else "edges" if chance < 0.75 else "none"
    else:
        markings = "edges" if chance < 0.55 else "lanes" if chance < 0.75 else "none"
    mean_m = between((8.0, 10.0) if markings == "lanes" else (7.0, 10.0), rng)
    swing = between((0.0, 0.06), rng)
    controls = 2 * rng.random((max(4, int(count * STEP_M / 60)), 1)) - 1
    places = np.arange(count, dtype=np.float64) * (len(controls) / count)
    waves = b_spline.evaluate(controls, places)[:, 0]
    # The middle of the right lane, as on jungle.
    lane_m = -0.21 * mean_m if markings == "lanes" else 0.0
    return markings, mean_m * (1 + swing * waves), lane_m


def _draw_heights(plan: Floats, kind: RoadKind, rng: np.random.Generator) -> Floats:
    """Return the heights of a road, (N,), on random hills with a bounded grade.

    The hills are a surface, so that two parts of the road side by side have similar heights.
    """
    spacing_m = between(kind.hill_m, rng)
    low = plan.min(axis=0)
    x, y = ((plan - low) / spacing_m).T
    heights = rng.random((int(y.max()) + 4, int(x.max()) + 4))
    height = b_spline.evaluate_surface(heights, x, y)
    rise = np.abs(np.roll(height, -1) - height).max()
    height = height * (between(kind.grade, rng) * STEP_M / rise)
    return np.asarray(height - height[0])
