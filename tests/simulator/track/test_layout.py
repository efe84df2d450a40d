import math

import numpy as np
import pytest

from simulator.track.layout import Arc, Straight, lay_out_loop


def test_a_square_closes_for_any_free_sides() -> None:
    corner = Arc(20, 90)
    plan = lay_out_loop(
        [
            Straight(9, free=True),
            corner,
            Straight(99, free=True),
            corner,
            Straight(50),
            corner,
            Straight(30),
            corner,
        ]
    )
    steps = np.roll(plan, -1, axis=0) - plan
    assert np.hypot(*steps.T) == pytest.approx(np.full(len(plan), 0.5), abs=0.01)
    length = len(plan) * float(np.hypot(*steps.T).mean())
    assert length == pytest.approx(160 + 40 * math.pi, abs=0.5)
    assert np.ptp(plan[:, 0]) == pytest.approx(90.0, abs=0.6)
    assert np.ptp(plan[:, 1]) == pytest.approx(70.0, abs=0.6)


def test_parallel_free_straights_are_refused() -> None:
    with pytest.raises(ValueError, match="parallel"):
        lay_out_loop([Straight(50, free=True), Arc(30, 180), Straight(10, free=True), Arc(30, 180)])


def test_a_loop_starts_at_the_origin_and_leads_east() -> None:
    plan = lay_out_loop(
        [
            Straight(50, free=True),
            Arc(30, 120),
            Straight(50),
            Arc(30, 120),
            Straight(50, free=True),
            Arc(30, 120),
        ]
    )
    assert plan[0] == pytest.approx((0, 0))
    assert plan[40] == pytest.approx((20, 0), abs=0.2)


def test_turns_that_are_not_one_whole_turn_are_refused() -> None:
    with pytest.raises(ValueError, match="one whole turn"):
        lay_out_loop([Straight(50, free=True), Arc(30, 180), Straight(50, free=True)])


def test_straights_that_would_be_negative_are_refused() -> None:
    with pytest.raises(ValueError, match="free straights"):
        lay_out_loop(
            [
                Straight(5, free=True),
                Arc(30, 90),
                Straight(5, free=True),
                Arc(30, 90),
                Straight(50),
                Arc(30, -90),
                Straight(90),
                Arc(30, 270),
            ]
        )
