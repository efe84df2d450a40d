"""Builds ribbons: surfaces between two lines that follow the road."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from simulator.rendering.appearance import Light
from simulator.rendering.mesh import Surface, shade_vertices, vertex_normals
from simulator.track.geometry import Floats, Track

POINTS_PER_QUAD: Final = 4
"""Points of the track for each quad: in a bend of 12 m radius the quads are within 4 cm of it."""


def close_loop(track: Track, values: Floats) -> Floats:
    """Return the values of a track's points, (N, ...); a closed track repeats the first value."""
    return np.concatenate([values, values[:1]]) if track.closed else values


def offset_line(track: Track, offset_m: Floats, rise_m: Floats | float = 0.0) -> Floats:
    """Return a line that runs along the centre line, (N, 3).

    Args:
        track: Track with N points.
        offset_m: Lateral offset at each point, (N,), positive to the left.
        rise_m: Height above the centre line, (N,) or one value.
    """
    heading = track.heading_rad
    line = track.points.copy()
    line[:, 0] -= np.sin(heading) * offset_m
    line[:, 1] += np.cos(heading) * offset_m
    line[:, 2] += rise_m
    return line


def between_stations(track: Track, from_m: float, to_m: float) -> NDArray[np.bool_]:
    """Return which points lie between two stations, (N,); from_m may be greater than to_m."""
    station = track.station_m
    if from_m <= to_m:
        return np.asarray((station >= from_m) & (station < to_m))
    return np.asarray((station >= from_m) | (station < to_m))


def has_feature(track: Track, kind: str, side: str) -> NDArray[np.bool_]:
    """Return the points, (N,), at which one side of the road has a kind of feature."""
    mask = np.zeros(len(track.points), bool)
    for feature in track.features:
        if feature.kind == kind and feature.side in (side, "both"):
            mask |= between_stations(track, feature.from_m, feature.to_m)
    return mask


def ribbon(
    track: Track,
    left: Floats,
    right: Floats,
    light: Light,
    length_m: float,
    where: NDArray[np.bool_] | None = None,
    brightness: Floats | None = None,
) -> Surface:
    """Return the surface between two lines; its texture spans the width and repeats along it.

    Args:
        track: Track that both lines follow.
        left: Left line, (N, 3).
        right: Right line, (N, 3).
        light: Light that falls on the surface.
        length_m: Length of the texture along the road.
        where: Points after which there is a surface, (N,); the default is all points.
        brightness: Factor of the light from each point to the next, (N,); the default is 1.
    """
    left, right = close_loop(track, left), close_loop(track, right)
    start = np.arange(0, len(left) - 1, POINTS_PER_QUAD)
    if where is not None:
        start = start[where[start]]
    end = np.minimum(start + POINTS_PER_QUAD, len(left) - 1)
    # Each quad has its own vertices, so that the brightness can change from quad to quad.
    quads = np.stack([left[start], right[start], left[end], right[end]], axis=1)
    positions = quads.reshape(-1, 3)
    v = np.stack([start, start, end, end], axis=1) * track.step_m / length_m
    u = np.broadcast_to(np.array([0.0, 1.0, 0.0, 1.0]), v.shape)
    first = np.arange(len(start))[:, None] * 4
    triangles = np.concatenate([first + np.array(half) for half in ((0, 1, 2), (1, 3, 2))])
    colours = shade_vertices(vertex_normals(positions, triangles), light)
    if brightness is not None:
        colours = colours * np.repeat(brightness[start], 4)[:, None]
    return Surface(positions, np.stack([u, v], axis=2).reshape(-1, 2), colours, triangles)
