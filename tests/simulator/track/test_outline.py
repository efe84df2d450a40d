"""Polygons are held against exact arithmetic, and arcs against circles."""

import math
from fractions import Fraction

import numpy as np
import pytest

from simulator.track.outline import Radii, draw_outline, round_corners

Point = tuple[Fraction, Fraction]


def outline(seed: int, spacing_m: tuple[float, float] = (30.0, 110.0)) -> np.ndarray:
    return draw_outline(np.random.default_rng(seed), spacing_m, 1300.0)


def side_of(a: Point, b: Point, c: Point) -> int:
    """Return on which side of the line from a to b the point c lies, computed exactly."""
    cross = (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])
    return (cross > 0) - (cross < 0)


@pytest.mark.parametrize("seed", range(12))
def test_a_polygon_never_crosses_itself(seed: int) -> None:
    corners = [(Fraction(x), Fraction(y)) for x, y in outline(seed).tolist()]
    sides = list(zip(corners, corners[1:] + corners[:1], strict=True))
    for first, (a, b) in enumerate(sides):
        for second in range(first + 2, len(sides)):
            if (second + 1) % len(sides) == first:
                continue
            c, d = sides[second]
            apart = side_of(a, b, c) == side_of(a, b, d) or side_of(c, d, a) == side_of(c, d, b)
            assert apart, (first, second)


def test_a_polygon_turns_once_to_the_left() -> None:
    for seed in range(12):
        x, y = outline(seed).T
        area = (x * np.roll(y, -1) - y * np.roll(x, -1)).sum() / 2
        assert area > 5000


def test_polygons_differ_and_have_about_the_length_asked_for() -> None:
    lengths = []
    for seed in range(30):
        sides = np.roll(outline(seed), -1, axis=0) - outline(seed)
        lengths.append(float(np.hypot(*sides.T).sum()))
    assert len(set(lengths)) == 30
    assert 1200 < float(np.median(lengths)) < 1550


def test_an_arc_lies_on_the_circle_that_touches_both_sides() -> None:
    corners = np.array([[0.0, 0.0], [200.0, 0.0], [200.0, 200.0], [0.0, 200.0]])
    radii = Radii((30.0, 30.0), (99.0, 99.0))
    line = round_corners(corners, radii, 10.0, np.random.default_rng(1))
    assert line is not None
    arcs = line.reshape(4, -1, 2)
    for arc, middle in zip(arcs, [(30, 30), (170, 30), (170, 170), (30, 170)], strict=True):
        assert np.hypot(*(arc - middle).T) == pytest.approx(np.full(len(arc), 30.0))
    # The order is that of the corners: each arc begins on the side before its corner.
    first, last = arcs[1][0], arcs[1][-1]
    assert first[0] < last[0]
    assert first[1] < last[1]


def test_radii_follow_the_turn_and_the_room() -> None:
    """A turn of 30 degrees is gentle, one of 90 is sharp; a short side makes a radius smaller."""
    slope = math.tan(math.radians(30))
    corners = np.array([[0.0, 0.0], [200.0, 0.0], [400.0, 200 * slope], [400.0, 400.0], [0.0, 400]])
    radii = Radii((20.0, 20.0), (150.0, 150.0))
    line = round_corners(corners, radii, 10.0, np.random.default_rng(1))
    assert line is not None
    expected = {1: 150.0, 2: 20.0, 3: 20.0}
    for number, radius in expected.items():
        arc = line.reshape(5, -1, 2)[number]
        # The radius of the circle through three points: the product of the sides over 4 areas.
        a, b, c = arc[0], arc[len(arc) // 2], arc[-1]
        area = abs((b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])) / 2
        sides = [float(np.hypot(*(p - q))) for p, q in ((a, b), (b, c), (c, a))]
        assert math.prod(sides) / (4 * area) == pytest.approx(radius)
    narrow = np.array([[0.0, 0.0], [200.0, 0.0], [200.0, 18.0], [0.0, 18.0]])
    assert round_corners(narrow, radii, 9.5, np.random.default_rng(1)) is None
    assert round_corners(narrow, radii, 8.5, np.random.default_rng(1)) is not None
