"""Bands along a road: the surface between two lines that follow it."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from simulator.rendering.appearance import Light
from simulator.rendering.mesh import Surface, lit, normals
from simulator.track.geometry import Floats, Track

EVERY: Final = 4
"""Points of the track to a quad: in a bend of 12 m radius it departs 4 cm from the road."""


def closed_up(track: Track, values: Floats) -> Floats:
    """Return (N + 1, ...) of a closed track's (N, ...): the first value again at the end."""
    return np.concatenate([values, values[:1]]) if track.closed else values


def beside(track: Track, offset_m: Floats, rise_m: Floats | float = 0.0) -> Floats:
    """Return (N, 3): the line at (N,) offsets from the centre line, positive to the left."""
    heading = track.heading_rad
    line = track.points.copy()
    line[:, 0] -= np.sin(heading) * offset_m
    line[:, 1] += np.cos(heading) * offset_m
    line[:, 2] += rise_m
    return line


def within(track: Track, from_m: float, to_m: float) -> NDArray[np.bool_]:
    """Return (N,), which points lie between two stations; from may be beyond to."""
    station = track.station_m
    if from_m <= to_m:
        return np.asarray((station >= from_m) & (station < to_m))
    return np.asarray((station >= from_m) | (station < to_m))


def along(track: Track, kind: str, side: str) -> NDArray[np.bool_]:
    """Return (N,), where a kind of stretch accompanies a side of the road."""
    found = np.zeros(len(track.points), bool)
    for each in track.stretches:
        if each.kind == kind and each.side in (side, "both"):
            found |= within(track, each.from_m, each.to_m)
    return found


def band(
    track: Track,
    left: Floats,
    right: Floats,
    light: Light,
    length_m: float,
    where: NDArray[np.bool_] | None = None,
    shade: Floats | None = None,
) -> Surface:
    """Return the surface between two lines, its texture once across and once every length_m.

    Args:
        track: whose points the lines follow.
        left: (N, 3).
        right: (N, 3).
        light: that falls on it.
        length_m: of the texture.
        where: (N,), the points after which there is a surface; default: all.
        shade: (N,), what its light is multiplied by, from each point to the next.
    """
    left, right = closed_up(track, left), closed_up(track, right)
    start = np.arange(0, len(left) - 1, EVERY)
    if where is not None:
        start = start[where[start]]
    end = np.minimum(start + EVERY, len(left) - 1)
    # Each quad has vertices of its own, so that a shade may change from one to the next.
    quads = np.stack([left[start], right[start], left[end], right[end]], axis=1)
    places = quads.reshape(-1, 3)
    v = np.stack([start, start, end, end], axis=1) * track.step_m / length_m
    u = np.broadcast_to(np.array([0.0, 1.0, 0.0, 1.0]), v.shape)
    first = np.arange(len(start))[:, None] * 4
    triangles = np.concatenate([first + np.array(half) for half in ((0, 1, 2), (1, 3, 2))])
    colours = lit(normals(places, triangles), light)
    if shade is not None:
        colours = colours * np.repeat(shade[start], 4)[:, None]
    return Surface(places, np.stack([u, v], axis=2).reshape(-1, 2), colours, triangles)
