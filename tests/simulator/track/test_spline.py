import math

import numpy as np
import pytest

from simulator.track.spline import interpolate


def ring(count: int, radius: float = 50.0) -> np.ndarray:
    angle = np.linspace(0, 2 * math.pi, count, endpoint=False)
    return np.column_stack([radius * np.cos(angle), radius * np.sin(angle), 3 * np.sin(angle)])


def test_a_circle_of_twelve_points_becomes_round() -> None:
    line = interpolate(ring(12), True, 0.5)
    assert np.hypot(*line[:, :2].T) == pytest.approx(np.full(len(line), 50.0), abs=0.05)
    assert len(line) == pytest.approx(2 * math.pi * 50 / 0.5, abs=2)


def test_the_steps_are_equal_and_the_first_is_not_repeated() -> None:
    line = interpolate(ring(12), True, 0.5)
    steps = np.hypot(*(np.roll(line, -1, axis=0) - line)[:, :2].T)
    assert steps == pytest.approx(np.full(len(line), steps.mean()), rel=0.01)


def test_an_open_line_keeps_its_ends_and_passes_its_points() -> None:
    points = np.array([[0.0, 0], [20, 5], [45, -5], [80, 0]])
    line = interpolate(points, False, 0.5)
    assert line[0] == pytest.approx(points[0])
    assert line[-1] == pytest.approx(points[-1])
    for point in points:
        assert np.hypot(*(line - point).T).min() < 0.26


def test_points_on_a_line_stay_on_it() -> None:
    line = interpolate(np.array([[0.0, 0, 1], [30, 0, 2], [40, 0, 3], [100, 0, 4]]), False, 1.0)
    assert line[:, 1] == pytest.approx(np.zeros(len(line)))
    assert len(line) == 101
