import math

import numpy as np
import pytest

from evaluator.offline import path_plot
from simulator.viz.track_plot import CROSS, PAPER

TIME_S = np.arange(301) / 15


def circle() -> tuple[np.ndarray, np.ndarray]:
    """Return 20 s at 10 m/s around a circle of radius 40 m, to the left."""
    return path_plot.integrate_path(TIME_S, np.full(301, 0.25), np.full(301, 10.0))


def draw(left_m: np.ndarray, rows: list[int]) -> np.ndarray:
    position, heading = circle()
    return path_plot.draw_paths(
        position, heading, TIME_S, left_m, 1.0, np.array(rows, dtype=np.int64), "made", "facts"
    )


def count(picture: np.ndarray, ink: tuple[int, int, int]) -> int:
    return int((picture == ink).all(axis=2).sum())


def test_a_constant_yaw_rate_gives_a_circle() -> None:
    position, heading = circle()
    radius = np.hypot(position[:, 0], position[:, 1] - 40.0)
    assert radius == pytest.approx(np.full(301, 40.0), rel=1e-3)
    assert heading[-1] == pytest.approx(0.25 * 20)
    quarter = round(15 * math.pi / 2 / 0.25)
    assert position[quarter] == pytest.approx([40.0, 40.0], abs=0.3)


def test_every_intervention_has_a_cross_on_the_map_and_over_time() -> None:
    left = np.zeros(301)
    none, one = count(draw(left, []), CROSS), count(draw(left, [100]), CROSS)
    three = count(draw(left, [50, 100, 200]), CROSS)
    assert none == 0
    assert one > 20
    assert three == pytest.approx(3 * one, rel=0.2)


def test_an_offset_to_the_left_is_drawn_upwards() -> None:
    on, off = draw(np.zeros(301), []), draw(np.linspace(0, 1, 301), [])
    assert on.shape[1] == 1200
    assert not np.array_equal(on[-268:-48], off[-268:-48])
    ink = (off[-268:-48, 1100:1140].astype(int).sum(axis=2) < 200).any(axis=1)
    assert ink.any()
    assert np.flatnonzero(ink).max() < 110  # left is above the middle
    assert tuple(on[0, 0]) == PAPER
