"""A smooth line through given points: the cubic spline, closed or natural at its ends."""

from __future__ import annotations

import numpy as np

from simulator.track.geometry import Floats


def through(points: Floats, closed: bool, step_m: float) -> Floats:
    """Return (N, D): the spline through points, in equal steps of about step_m on the plan.

    Chord lengths are its parameter, and its second derivative is continuous, so a steering wheel
    can follow it (C. de Boor, A Practical Guide to Splines, chapter IV).

    Args:
        points: (M, D), M at least 3; the first two columns are x and y, metres.
        closed: whether the last leads to the first; a closed line does not repeat its first.
        step_m: wanted distance between points; the one taken divides the length.
    """
    knots = np.vstack([points, points[:1]]) if closed else points
    chords = np.hypot(*np.diff(knots[:, :2], axis=0).T)
    at = np.concatenate([[0.0], np.cumsum(chords)])
    bends = _second_derivatives(knots, chords, closed)
    # Finer than wanted first, to measure the line; then where the equal steps are.
    fine = np.linspace(0.0, at[-1], max(8, int(at[-1] / step_m) * 4) + 1)
    line = _evaluated(knots, chords, at, bends, fine)
    way = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(line[:, :2], axis=0).T))])
    count = max(4, round(way[-1] / step_m))
    stations = np.linspace(0.0, way[-1], count + 1)[: count + (not closed)]
    return _evaluated(knots, chords, at, bends, np.interp(stations, way, fine))


def _second_derivatives(knots: Floats, chords: Floats, closed: bool) -> Floats:
    """Return (M, D), at the knots: the solution of the spline's tridiagonal equations."""
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
        solved = np.linalg.solve(matrix, rise)
        return np.vstack([solved, solved[:1]])
    bends: Floats = np.zeros(knots.shape)
    size = len(knots) - 2
    rows = np.arange(size)
    matrix = np.zeros((size, size))
    matrix[rows, rows] = 2 * (chords[:-1] + chords[1:])
    matrix[rows[1:], rows[1:] - 1] = chords[1:-1]
    matrix[rows[:-1], rows[:-1] + 1] = chords[1:-1]
    bends[1:-1] = np.linalg.solve(matrix, 6 * np.diff(slopes, axis=0))
    return bends


def _evaluated(knots: Floats, chords: Floats, at: Floats, bends: Floats, where: Floats) -> Floats:
    """Return (K, D): the line at values of its parameter."""
    index = np.clip(np.searchsorted(at, where, side="right") - 1, 0, len(chords) - 1)
    h = chords[index][:, None]
    b = (where - at[index])[:, None] / h
    a = 1.0 - b
    curve = ((a**3 - a) * bends[index] + (b**3 - b) * bends[index + 1]) * h**2 / 6
    return np.asarray(a * knots[index] + b * knots[index + 1] + curve)
