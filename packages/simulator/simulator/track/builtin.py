"""The two tracks that come with the simulator, after the two of Udacity's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from contract.errors import SettingError
from simulator.track.geometry import STEP_M, Floats, Stretch, Track
from simulator.track.layout import Bend, Straight, loop

NAMES: Final = ("lake", "jungle")
KERB_RADIUS_M: Final = 70.0
"""Bends tighter than this have kerbs."""


def built_in(name: str) -> Track:
    """Return the track of that name.

    Raises:
        SettingError: there is none.
    """
    if name == "lake":
        return lake()
    if name == "jungle":
        return jungle()
    raise SettingError(
        "there is no such track",
        got=name,
        remedy=f"Built in are {' and '.join(NAMES)}; any other comes from a CSV file",
    )


def lake() -> Track:
    """Return a loop of 1.1 km around a lake: 8 m wide, almost level, tightest radius 20 m."""
    plan = loop(
        [
            Straight(60, free=True),
            Bend(60, 60),
            Straight(50),
            Bend(45, -35),
            Straight(45),
            Bend(40, 85),
            Straight(125),
            Bend(21, 95),
            Straight(60),
            Bend(26, -65),
            Straight(55),
            Bend(36, 110),
            Straight(60, free=True),
            Bend(140, -22),
            Straight(50),
            Bend(110, 22),
            Straight(30),
            Bend(50, 110),
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
        stretches=(
            Stretch("bridge", 425, 505),
            Stretch("water", 400, 528),
            Stretch("dirt", 578, 616, "right"),
            Stretch("water", 690, 860, "right"),
            *_kerbs(track),
        ),
    )


def jungle() -> Track:
    """Return a mountain road of two lanes: 9 m wide, grades to 10 %, hairpins of 12 m radius."""
    plan = loop(
        [
            Straight(60, free=True),
            Bend(45, 50),
            Straight(15),
            Bend(35, -85),
            Straight(20),
            Bend(40, 35),
            Straight(40),
            Bend(30, 60),
            Straight(75),
            Bend(12, 175),
            Straight(50),
            Bend(12, -175),
            Straight(90),
            Bend(40, 70),
            Straight(50),
            Bend(20, -60),
            Straight(20),
            Bend(15, 105),
            Straight(100),
            Bend(25, -80),
            Straight(40),
            Bend(12, 165),
            Straight(80),
            Bend(30, -70),
            Straight(20),
            Bend(45, 85),
            Straight(60, free=True),
            Bend(40, 85),
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
        stretches=tuple(Stretch("shade", a * length, b * length) for a, b in shades),
    )


def _hills(count: int, waves: Sequence[tuple[int, float, float]], steepest: float) -> Floats:
    """Return heights, (count,), of a sum of waves (per loop, metres, phase) scaled to a grade."""
    turn = np.linspace(0, 2 * np.pi, count, endpoint=False)
    heights = np.zeros(count)
    for per_loop, metres, phase in waves:
        heights += metres * np.sin(per_loop * turn + phase)
    grade = np.abs(np.roll(heights, -1) - heights).max() / STEP_M
    return np.asarray(heights * steepest / grade)


def _kerbs(track: Track) -> list[Stretch]:
    """Return a kerb on both sides along each bend."""
    bent = np.abs(track.curvature) > 1 / KERB_RADIUS_M
    starts = np.flatnonzero(bent & ~np.roll(bent, 1))
    ends = np.flatnonzero(bent & ~np.roll(bent, -1))
    if starts[0] > ends[0]:  # a bend runs past the start
        ends = np.roll(ends, -1)
    return [
        Stretch("kerb", float(track.station_m[a]), float(track.station_m[b]))
        for a, b in zip(starts, ends, strict=True)
    ]
