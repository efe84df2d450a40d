"""Joins points with a cubic spline, closed or with natural ends."""

from __future__ import annotations

import numpy as np

from simulator.track.geometry import Floats


def interpolate(points: Floats, closed: bool, step_m: float) -> Floats:
    """Return the spline through points as (N, D) points, spaced about step_m apart.

    Distances are measured in the first two columns, x and y. The parameter of the spline is the
    length of the chords. Its second derivative is continuous, so a steering wheel can follow it
    (C. de Boor, A Practical Guide to Splines, chapter IV).

    Args:
        points: Points as (M, D) with M at least 3; the first two columns are x and y in metres.
        closed: Whether the last point leads to the first; a closed line does not repeat its first
            point.
        step_m: Requested distance between points; the distance used divides the length evenly.
    """
    knots = np.vstack([points, points[:1]]) if closed else points
    chords = np.hypot(*np.diff(knots[:, :2], axis=0).T)
    knot_parameters = np.concatenate([[0.0], np.cumsum(chords)])
    bends = _second_derivatives(knots, chords, closed)
    # A finer line is made first: it gives the length, and where the equal steps end.
    fine = np.linspace(0.0, knot_parameters[-1], max(8, int(knot_parameters[-1] / step_m) * 4) + 1)
    line = _evaluate(knots, chords, knot_parameters, bends, fine)
    distance = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(line[:, :2], axis=0).T))])
    count = max(4, round(distance[-1] / step_m))
    stations = np.linspace(0.0, distance[-1], count + 1)[: count + (not closed)]
    return _evaluate(knots, chords, knot_parameters, bends, np.interp(stations, distance, fine))


def _second_derivatives(knots: Floats, chords: Floats, closed: bool) -> Floats:
    """Return the second derivatives at the knots, (M, D), from the tridiagonal equations."""
    slopes = np.diff(knots, axis=0) / chords[:, None]
    if closed:
        before, here = np.roll(chords, 1), chords
        rise = 6 * (slopes - np.roll(slopes, 1, axis=0))
        size = len(here)
        matrix = np.zeros((size, size))
        rows = np.arange(size)
        matrix[rows, rows] = 2 * (before + here)
        matrix[rows, rows - 1] += before
        matrix[rows, (rows + 1) % size] += here
        solution = np.linalg.solve(matrix, rise)
        return np.vstack([solution, solution[:1]])
    bends: Floats = np.zeros(knots.shape)
    size = len(knots) - 2
    rows = np.arange(size)
    matrix = np.zeros((size, size))
    matrix[rows, rows] = 2 * (chords[:-1] + chords[1:])
    matrix[rows[1:], rows[1:] - 1] = chords[1:-1]
    matrix[rows[:-1], rows[:-1] + 1] = chords[1:-1]
    bends[1:-1] = np.linalg.solve(matrix, 6 * np.diff(slopes, axis=0))
    return bends


def _evaluate(
    knots: Floats, chords: Floats, knot_parameters: Floats, bends: Floats, parameters: Floats
) -> Floats:
    """Return the points of the spline, (K, D), at K values of its parameter."""
    index = np.searchsorted(knot_parameters, parameters, side="right") - 1
    index = np.clip(index, 0, len(chords) - 1)
    h = chords[index][:, None]
    b = (parameters - knot_parameters[index])[:, None] / h
    a = 1.0 - b
    curve = ((a**3 - a) * bends[index] + (b**3 - b) * bends[index + 1]) * h**2 / 6
    return np.asarray(a * knots[index] + b * knots[index + 1] + curve)
