import math

import numpy as np
import pytest

from trainer.data.augmentation.recovery import recovery_steering


def one(value: float) -> np.ndarray:
    return np.array([value])


def test_a_view_from_the_left_or_to_the_left_steers_right() -> None:
    assert recovery_steering(one(0.0), one(0.5), one(0.0), one(6.7), 2.0)[0] > 0.02
    assert recovery_steering(one(0.0), one(0.0), one(0.05), one(6.7), 2.0)[0] > 0.02
    assert recovery_steering(one(0.3), one(0.0), one(0.0), one(6.7), 2.0)[0] == pytest.approx(0.3)


def test_the_corrected_steering_leads_to_where_the_recorded_one_led() -> None:
    """The point that the recorded arc reaches also lies on the arc of the correction."""
    label, left, turn, speed = 0.2, 0.4, math.radians(1.5), 7.0
    ahead = 2 * speed

    def bend(steering: float) -> float:
        return math.tan(math.radians(25) * steering) / 2.87

    goal_right = bend(label) * ahead**2 / 2
    seen_right = goal_right + left + turn * ahead  # small angles, as the formula's
    steering = recovery_steering(one(label), one(left), one(turn), one(speed), 2.0)[0]
    assert bend(steering) * ahead**2 / 2 == pytest.approx(seen_right, rel=1e-6)


def test_less_recovery_time_means_more_steering() -> None:
    slow, fast = (
        recovery_steering(one(0.0), one(0.8), one(0.0), one(13.5), each)[0] for each in (2.0, 1.0)
    )
    assert fast == pytest.approx(4 * slow, rel=0.01)


def test_a_standing_car_steers_for_a_point_ahead_too() -> None:
    assert 0 < recovery_steering(one(0.0), one(0.8), one(0.0), one(0.0), 2.0)[0] < 0.2


def test_the_point_to_steer_for_is_never_nearer_than_eight_metres() -> None:
    """However slow the car: the arc of the answer passes 0.8 m right of a point 8 m ahead."""
    for speed in (0.0, 1.0, 4.0):
        steering = recovery_steering(one(0.0), one(0.8), one(0.0), one(speed), 2.0)[0]
        bend = math.tan(math.radians(25) * steering) / 2.87
        assert bend * 8**2 / 2 == pytest.approx(0.8)
