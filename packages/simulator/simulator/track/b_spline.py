"""Evaluates closed uniform cubic B-splines: curves and surfaces through arithmetic alone.

A B-spline does not need a system of equations, so its values are sums of products. These, division
and the square root are rounded alike on all machines (IEEE 754); sines, powers, and the solvers of
NumPy are not. Source: C. de Boor, A Practical Guide to Splines, chapter IX.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from simulator.track.geometry import Floats

FINE_STEPS: Final = 16
"""Points between two control points from which the length of a curve is summed."""


def length_along(points: Floats) -> Floats:
    """Return the distance from the first point along a closed line, (M + 1,).

    Args:
        points: Points of the line, (M, 2); the last leads to the first.
    """
    x, y = (np.concatenate([column, column[:1]]) for column in points.T)
    dx, dy = x[1:] - x[:-1], y[1:] - y[:-1]
    return np.concatenate([[0.0], np.cumsum(np.sqrt(dx * dx + dy * dy))])


def resample(points: Floats, step_m: float) -> Floats:
    """Return points in equal steps of about step_m along a closed line, (N, 2)."""
    distance = length_along(points)
    count = max(4, int(distance[-1] / step_m))
    index, share = _locate(distance, np.arange(count) * (distance[-1] / count))
    after = (index + 1) % len(points)
    return points[index] + share[:, None] * (points[after] - points[index])


def curve_in_equal_steps(controls: Floats, step_m: float) -> Floats:
    """Return the closed B-spline of control points, (M, 2), as points in equal steps, (N, 2)."""
    fine = np.arange(len(controls) * FINE_STEPS) / FINE_STEPS
    distance = length_along(evaluate(controls, fine))
    count = max(4, int(distance[-1] / step_m + 0.5))
    index, share = _locate(distance, np.arange(count) * (distance[-1] / count))
    return evaluate(controls, (index + share) / FINE_STEPS)


def evaluate(controls: Floats, parameters: Floats) -> Floats:
    """Return the closed B-spline at some parameters, (K, D).

    Args:
        controls: Control points, (M, D).
        parameters: Parameters, (K,), from 0 to M; 0 is beside the first control point.
    """
    whole = np.floor(parameters)
    numbers = whole.astype(np.int64)
    total: Floats = np.zeros((len(parameters), controls.shape[1]))
    for offset, weight in zip((-1, 0, 1, 2), _weights(parameters - whole), strict=True):
        total = total + weight[:, None] * controls[(numbers + offset) % len(controls)]
    return total


def evaluate_surface(heights: Floats, x: Floats, y: Floats) -> Floats:
    """Return the heights of a B-spline surface at K places, (K,).

    Args:
        heights: Control heights, (R, C), at whole x and y from -1 on.
        x: Places in columns, from 0 to C - 3.
        y: Places in rows, from 0 to R - 3.
    """
    column, row = np.floor(x), np.floor(y)
    total: Floats = np.zeros(len(x))
    for down, weight_y in enumerate(_weights(y - row)):
        for right, weight_x in enumerate(_weights(x - column)):
            found = heights[row.astype(np.int64) + down, column.astype(np.int64) + right]
            total = total + weight_y * weight_x * found
    return total


def _weights(t: Floats) -> tuple[Floats, Floats, Floats, Floats]:
    """Return the weights of the four nearest control points for a place t, 0..1, between two."""
    rest = 1.0 - t
    square, cube = t * t, t * t * t
    return (
        rest * rest * rest / 6,
        (3 * cube - 6 * square + 4) / 6,
        (-3 * cube + 3 * square + 3 * t + 1) / 6,
        cube / 6,
    )


def _locate(distance: Floats, stations: Floats) -> tuple[NDArray[np.int64], Floats]:
    """Return the last points before some stations, (K,), and the share of the way to the next."""
    index = np.searchsorted(distance, stations, side="right") - 1
    index = np.clip(index, 0, len(distance) - 2).astype(np.int64)
    return index, (stations - distance[index]) / (distance[index + 1] - distance[index])
