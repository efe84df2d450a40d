"""Draws random closed polygons that never cross themselves, and rounds their corners.

A polygon is the outline of a random polyomino: squares of a grid, grown one by one, without a hole
and without two squares that share only a corner. So the outline is one line that meets itself
nowhere. The columns and rows of the grid have random widths: narrow ones give hairpins, wide ones
give straights. Then the corners are moved within their own part of the grid.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from simulator.track.geometry import Floats

GRID_SIZE: Final = 9
TIP_SHARE: Final = 0.85
"""Share of the squares that touch only one other: they lengthen the outline."""
MAX_MOVE: Final = 0.32
"""Largest move of a corner, as a share of the narrower column or row beside it. Less than a
quarter keeps the order of the corners."""
SIDES: Final = ((1, 0), (0, 1), (-1, 0), (0, -1))
RING: Final = ((1, 0), (1, 1), (0, 1), (-1, 1), (-1, 0), (-1, -1), (0, -1), (1, -1))
"""The eight squares around a square in order; those with an even number share a side with it."""
ARC_POINTS: Final = 24
GENTLE_TURN_COS: Final = 0.8
"""Cosine of the largest turn, 37 degrees, that gets the radius of a gentle bend."""

Square = tuple[int, int]


class Radii(NamedTuple):
    """Ranges from which the radii of bends are drawn, in metres."""

    sharp_m: tuple[float, float]
    gentle_m: tuple[float, float]
    """Radii of bends that turn by less than 37 degrees."""


def draw_outline(
    rng: np.random.Generator, spacing_m: tuple[float, float], length_m: float
) -> Floats:
    """Return the corners of a random polygon, (M, 2), counter-clockwise.

    Args:
        rng: Random numbers.
        spacing_m: Smallest and largest width of a column or row of the grid.
        length_m: Length of the outline from which on no square is added.
    """
    low, high = spacing_m
    widths = low + (high - low) * rng.random((2, GRID_SIZE))
    lines = np.concatenate([np.zeros((2, 1)), np.cumsum(widths, axis=1)], axis=1)
    squares = _grow(rng, widths, length_m)
    corners = _trace(squares)
    moves = (rng.random((GRID_SIZE + 1, GRID_SIZE + 1, 2)) - 0.5) * (2 * MAX_MOVE)
    padded = np.concatenate([widths[:, :1], widths, widths[:, -1:]], axis=1)
    room = np.minimum(padded[:, :-1], padded[:, 1:])
    points = [
        (
            lines[0, i] + moves[i, j, 0] * room[0, i],
            lines[1, j] + moves[i, j, 1] * room[1, j],
        )
        for i, j in corners
    ]
    return _turn(np.array(points), rng)


def _grow(rng: np.random.Generator, widths: Floats, length_m: float) -> set[Square]:
    """Return the squares of a polyomino whose outline has about a length."""
    middle = GRID_SIZE // 2
    squares = {(middle, middle)}
    outline_m = 2 * float(widths[0, middle] + widths[1, middle])
    refused = 0
    while outline_m < length_m and refused < 400:
        # The squares are listed in order: the order of a set is not the same everywhere.
        ordered = sorted(squares)
        i, j = ordered[int(rng.integers(len(ordered)))]
        di, dj = SIDES[int(rng.integers(4))]
        only_tip = rng.random() < TIP_SHARE
        new = (i + di, j + dj)
        if new in squares or not _may_join(squares, new, only_tip):
            refused += 1
            continue
        squares.add(new)
        outline_m = 0.0
        for side_i, side_j in sorted(squares):
            for di, dj in SIDES:
                if (side_i + di, side_j + dj) not in squares:
                    outline_m += float(widths[1, side_j] if di else widths[0, side_i])
    return squares


def _may_join(squares: set[Square], new: Square, only_tip: bool) -> bool:
    """Return whether a square can join without a hole and without a corner that two share."""
    i, j = new
    if not (0 <= i < GRID_SIZE and 0 <= j < GRID_SIZE):
        return False
    ring = [(i + di, j + dj) in squares for di, dj in RING]
    beside = sum(ring[::2])
    runs = sum(here and not ring[number - 1] for number, here in enumerate(ring))
    return runs == 1 and beside >= 1 and (beside == 1 or not only_tip)


def _trace(squares: set[Square]) -> list[Square]:
    """Return the corners of the grid along the outline, counter-clockwise."""
    following: dict[Square, Square] = {}
    for i, j in sorted(squares):
        if (i, j - 1) not in squares:
            following[i, j] = (i + 1, j)
        if (i + 1, j) not in squares:
            following[i + 1, j] = (i + 1, j + 1)
        if (i, j + 1) not in squares:
            following[i + 1, j + 1] = (i, j + 1)
        if (i - 1, j) not in squares:
            following[i, j + 1] = (i, j)
    first = min(following)
    corners, corner = [first], following[first]
    while corner != first:
        corners.append(corner)
        corner = following[corner]
    return corners


def _turn(points: Floats, rng: np.random.Generator) -> Floats:
    """Return points turned by a random angle, without a sine: by the tangent of its half."""
    tangent = 2.0 * float(rng.random()) - 1.0
    cos = (1 - tangent * tangent) / (1 + tangent * tangent)
    sin = 2 * tangent / (1 + tangent * tangent)
    x, y = points[:, 0], points[:, 1]
    return np.column_stack([cos * x - sin * y, sin * x + cos * y])


def round_corners(
    corners: Floats, radii: Radii, min_radius_m: float, rng: np.random.Generator
) -> Floats | None:
    """Return a polygon with an arc of a random radius in place of each corner, (K, 2).

    An arc is a rational Bézier curve of degree two, whose points need no sine.

    Args:
        corners: Corners of the polygon, (M, 2).
        radii: Ranges of the radii; where the sides are too short, a radius is smaller.
        min_radius_m: Smallest radius.
        rng: Random numbers.

    Returns:
        Points of the arcs in order, or None if a side is too short for the smallest radius.
    """
    sides = np.roll(corners, -1, axis=0) - corners
    lengths = np.sqrt(sides[:, 0] * sides[:, 0] + sides[:, 1] * sides[:, 1])
    ahead = sides / lengths[:, None]
    before = np.roll(ahead, 1, axis=0)
    cos_turn = before[:, 0] * ahead[:, 0] + before[:, 1] * ahead[:, 1]
    # The tangent of half the turn: from a corner, an arc begins and ends at radius times tangent.
    half_tangent = np.sqrt((1 - cos_turn) / (1 + cos_turn))
    gentle = cos_turn > GENTLE_TURN_COS
    low, high = (
        np.where(gentle, radii.gentle_m[number], radii.sharp_m[number]) for number in (0, 1)
    )
    # A square of a random number makes wide bends, which take up more of a road, the more frequent.
    chance = rng.random(len(corners))
    wished = 1 / (1 / high + (1 / low - 1 / high) * chance * chance)
    room = np.minimum(np.roll(lengths, 1), lengths) / 2
    radius = np.minimum(wished, room / np.maximum(half_tangent, 1e-9))
    if (radius < min_radius_m).any():
        return None
    reach = (radius * half_tangent)[:, None, None]
    share = ((np.arange(ARC_POINTS) + 0.5) / ARC_POINTS)[None, :, None]
    start = corners[:, None] - reach * before[:, None]
    end = corners[:, None] + reach * ahead[:, None]
    # The weight of the corner is the cosine of half the turn.
    middle = 2 * share * (1 - share) * np.sqrt((1 + cos_turn) / 2)[:, None, None]
    first, last = (1 - share) * (1 - share), share * share
    arcs = (first * start + middle * corners[:, None] + last * end) / (first + middle + last)
    return np.asarray(arcs.reshape(-1, 2))
