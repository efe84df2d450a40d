"""Compares B-splines with the recursion of Cox and de Boor, and lengths with those of a circle."""

import math

import numpy as np
import pytest

from simulator.track.b_spline import (
    curve_in_equal_steps,
    evaluate,
    evaluate_surface,
    length_along,
    resample,
)

RNG = np.random.default_rng(5)


def basis(knot: float, degree: int, at: np.ndarray) -> np.ndarray:
    """Return the B-spline that begins at a knot, by the recursion over its degree."""
    if degree == 0:
        return ((at >= knot) & (at < knot + 1)).astype(float)
    rising = (at - knot) / degree * basis(knot, degree - 1, at)
    return rising + (knot + degree + 1 - at) / degree * basis(knot + 1, degree - 1, at)


def test_a_closed_curve_is_the_sum_of_its_basis() -> None:
    """The cubic B-spline of a control point has its middle, two knots after its first, there."""
    controls = RNG.normal(0, 30, (9, 2))
    at = np.linspace(0, 9, 200, endpoint=False)
    expected = np.zeros((200, 2))
    for number in range(-3, 12):
        expected += basis(number - 2.0, 3, at)[:, None] * controls[number % 9]
    assert evaluate(controls, at) == pytest.approx(expected)


def test_a_surface_is_the_sum_of_products_of_the_basis() -> None:
    heights = RNG.normal(0, 5, (7, 6))
    x, y = RNG.uniform(0, 3, 50), RNG.uniform(0, 4, 50)
    expected = np.zeros(50)
    for row in range(7):
        for column in range(6):
            weight = basis(row - 3.0, 3, y) * basis(column - 3.0, 3, x)
            expected += weight * heights[row, column]
    assert evaluate_surface(heights, x, y) == pytest.approx(expected)


def ring(count: int, radius_m: float = 40.0) -> np.ndarray:
    angle = np.linspace(0, 2 * math.pi, count, endpoint=False)
    return radius_m * np.column_stack([np.cos(angle), np.sin(angle)])


def test_a_circle_has_its_length() -> None:
    distance = length_along(ring(2000))
    assert distance[0] == 0
    assert distance[-1] == pytest.approx(2 * math.pi * 40, rel=1e-5)


def test_points_are_in_equal_steps_on_the_line() -> None:
    """Also where the points of the line are not."""
    uneven = np.concatenate([ring(400)[:200], ring(4000)[2000:]])
    for line in (resample(uneven, 3.0), curve_in_equal_steps(ring(60), 0.5)):
        steps = np.hypot(*(np.roll(line, -1, axis=0) - line).T)
        assert steps == pytest.approx(np.full(len(steps), steps.mean()), rel=1e-3)
        assert np.hypot(*line.T) == pytest.approx(np.full(len(line), 40.0), abs=0.1)
    assert len(resample(ring(400), 3.0)) == 83  # 251.3 m / 3 m
    assert len(curve_in_equal_steps(ring(60), 0.5)) == pytest.approx(502, abs=2)
