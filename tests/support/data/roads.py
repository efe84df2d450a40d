"""Makes roads with measurements that can be computed by hand."""

from __future__ import annotations

import math

import numpy as np

from simulator.track.geometry import STEP_M, RoadFeature, Track


def circle(
    radius_m: float = 40.0,
    width_m: float = 8.0,
    lane_m: float = 0.0,
    style: str = "lake",
    features: tuple[RoadFeature, ...] = (),
) -> Track:
    """Return a circle around the origin that starts at (radius, 0) and turns to the left."""
    count = round(2 * math.pi * radius_m / STEP_M)
    angle = np.linspace(0, 2 * math.pi, count, endpoint=False)
    points = np.column_stack([radius_m * np.cos(angle), radius_m * np.sin(angle), 0 * angle])
    return Track("circle", style, True, points, np.full(count, width_m), lane_m, features)


def straight(length_m: float = 200.0, width_m: float = 8.0, grade: float = 0.0) -> Track:
    """Return an open road from the origin to the east."""
    x = np.arange(round(length_m / STEP_M) + 1) * STEP_M
    points = np.column_stack([x, 0 * x, grade * x])
    return Track("straight", "lake", False, points, np.full(len(x), width_m))
