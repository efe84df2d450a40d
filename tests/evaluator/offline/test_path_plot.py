import math

import numpy as np
import pytest

from evaluator.offline import path_plot
from simulator.viz.track_plot import CROSS, PAPER

TIME_S = np.arange(301) / 15


def circle() -> tuple[np.ndarray, np.ndarray]:
    """20 s at 10 m/s around a radius of 40 m, to the left."""
    return path_plot.integrate_path(TIME_S, np.full(301, 0.25), np.full(301, 10.0))


def drawn(left_m: np.ndarray, rows: list[int]) -> np.ndarray:
    place, heading = circle()
    return path_plot.draw_paths(
        place, heading, TIME_S, left_m, 1.0, np.array(rows, dtype=np.int64), "made", "facts"
    )


def count(picture: np.ndarray, ink: tuple[int, int, int]) -> int:
    return int((picture == ink).all(axis=2).sum())


def test_a_steady_yaw_is_a_circle() -> None:
    place, heading = circle()
    radius = np.hypot(place[:, 0], place[:, 1] - 40.0)
    assert radius == pytest.approx(np.full(301, 40.0), rel=1e-3)
    assert heading[-1] == pytest.approx(0.25 * 20)
    quarter = round(15 * math.pi / 2 / 0.25)
    assert place[quarter] == pytest.approx([40.0, 40.0], abs=0.3)


def test_every_intervention_is_crossed_on_the_plan_and_over_time() -> None:
    left = np.zeros(301)
    none, one = count(drawn(left, []), CROSS), count(drawn(left, [100]), CROSS)
    three = count(drawn(left, [50, 100, 200]), CROSS)
    assert none == 0
    assert one > 20
    assert three == pytest.approx(3 * one, rel=0.2)


def test_an_offset_is_drawn_to_its_side() -> None:
    on, off = drawn(np.zeros(301), []), drawn(np.linspace(0, 1, 301), [])
    assert on.shape[1] == 1200
    assert not np.array_equal(on[-268:-48], off[-268:-48])
    ink = (off[-268:-48, 1100:1140].astype(int).sum(axis=2) < 200).any(axis=1)
    assert ink.any()
    assert np.flatnonzero(ink).max() < 110  # to the left is above the middle
    assert tuple(on[0, 0]) == PAPER
