"""Provides the two built-in tracks, modelled on those of Udacity's simulator."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Final

import numpy as np

from contract.errors import SettingError
from simulator.track.geometry import STEP_M, Floats, RoadFeature, Track
from simulator.track.layout import Arc, Straight, lay_out_loop

TRACK_NAMES: Final = ("lake", "jungle")
MAX_KERB_RADIUS_M: Final = 70.0
"""Largest radius of a bend that has kerbs."""


@functools.cache
def builtin_track(name: str) -> Track:
    """Return the built-in track with a name; a process has each of them once.

    Raises:
        SettingError: There is no such track.
    """
    if name == "lake":
        return lake()
    if name == "jungle":
        return jungle()
    raise SettingError(
        "there is no such track",
        got=name,
        remedy=f"Name {' or '.join(TRACK_NAMES)}, random: and a seed such as random:7, or a CSV "
        "file of points",
    )


def lake() -> Track:
    """Return a loop of 1.1 km around a lake: 8 m wide, almost level, radii of 21 m and more."""
    plan = lay_out_loop(
        [
            Straight(60, free=True),
            Arc(60, 60),
            Straight(50),
            Arc(45, -35),
            Straight(45),
            Arc(40, 85),
            Straight(125),
            Arc(21, 95),
            Straight(60),
            Arc(26, -65),
            Straight(55),
            Arc(36, 110),
            Straight(60, free=True),
            Arc(140, -22),
            Straight(50),
            Arc(110, 22),
            Straight(30),
            Arc(50, 110),
        ]
    )
    points = np.column_stack([plan, _hills(len(plan), [(1, 0.9, 0.4), (3, 0.5, 2.1)], 0.025)])
    track = Track("lake", "lake", True, points, np.full(len(points), 8.0))
    return Track(
        "lake",
        "lake",
        True,
        points,
        track.width_m,
        features=(
            RoadFeature("bridge", 425, 505),
            RoadFeature("water", 400, 528),
            RoadFeature("dirt", 578, 616, "right"),
            RoadFeature("water", 690, 860, "right"),
            *_kerbs(track),
        ),
    )


def jungle() -> Track:
    """Return a two-lane mountain road: 9 m wide, grades up to 10 %, hairpins of 12 m radius."""
    plan = lay_out_loop(
        [
            Straight(60, free=True),
            Arc(45, 50),
            Straight(15),
            Arc(35, -85),
            Straight(20),
            Arc(40, 35),
            Straight(40),
            Arc(30, 60),
            Straight(75),
            Arc(12, 175),
            Straight(50),
            Arc(12, -175),
            Straight(90),
            Arc(40, 70),
            Straight(50),
            Arc(20, -60),
            Straight(20),
            Arc(15, 105),
            Straight(100),
            Arc(25, -80),
            Straight(40),
            Arc(12, 165),
            Straight(80),
            Arc(30, -70),
            Straight(20),
            Arc(45, 85),
            Straight(60, free=True),
            Arc(40, 85),
        ]
    )
    hills = [(1, 3.0, 0.0), (2, 4.0, 1.0), (5, 2.0, 2.5), (9, 1.0, 4.0)]
    points = np.column_stack([plan, _hills(len(plan), hills, 0.10)])
    length = len(points) * STEP_M
    shades = [
        (0.06, 0.10),
        (0.17, 0.19),
        (0.27, 0.33),
        (0.40, 0.42),
        (0.52, 0.58),
        (0.66, 0.68),
        (0.74, 0.80),
        (0.90, 0.93),
    ]
    return Track(
        "jungle",
        "jungle",
        True,
        points,
        np.full(len(points), 9.0),
        lane_m=-1.9,
        features=tuple(RoadFeature("shade", start * length, end * length) for start, end in shades),
        markings="lanes",
    )


def _hills(count: int, waves: Sequence[tuple[int, float, float]], max_grade: float) -> Floats:
    """Return heights, (count,), as a sum of waves that is scaled to a largest grade.

    Args:
        count: Number of points of the loop.
        waves: Waves as (cycles per loop, amplitude in metres, phase in radians).
        max_grade: Rise over run at the steepest place.
    """
    turn = np.linspace(0, 2 * np.pi, count, endpoint=False)
    heights = np.zeros(count)
    for cycles, amplitude_m, phase in waves:
        heights += amplitude_m * np.sin(cycles * turn + phase)
    grade = np.abs(np.roll(heights, -1) - heights).max() / STEP_M
    return np.asarray(heights * max_grade / grade)


def _kerbs(track: Track) -> list[RoadFeature]:
    """Return kerbs on both sides of each tight bend."""
    tight = np.abs(track.curvature) > 1 / MAX_KERB_RADIUS_M
    starts = np.flatnonzero(tight & ~np.roll(tight, 1))
    ends = np.flatnonzero(tight & ~np.roll(tight, -1))
    if starts[0] > ends[0]:  # A bend continues beyond the start of the track.
        ends = np.roll(ends, -1)
    return [
        RoadFeature("kerb", float(track.station_m[start]), float(track.station_m[end]))
        for start, end in zip(starts, ends, strict=True)
    ]
