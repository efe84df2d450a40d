import math

import numpy as np
import pytest

from evaluator.offline.virtual_car import RelativePose, advance, integrate_path, yaw_rad_s
from simulator.vehicle import STEP_S, VehicleState, step


def test_the_same_steering_stays_exactly_on_the_path() -> None:
    car = RelativePose()
    for row in range(500):
        car = advance(car, math.sin(row / 7), math.sin(row / 7), 12.0, 0.07 + 0.01 * (row % 3))
    assert (car.left_m, car.heading_rad) == (0.0, 0.0)
    assert car.yaw_rad_s == car.recorded_yaw_rad_s != 0.0


def test_beside_a_straight_drive_it_moves_like_the_simulators_car() -> None:
    """If the recorded car drives straight on, the virtual car is the simulator's car."""
    car, motion, speed = RelativePose(), VehicleState(0.0, 0.0, 0.0, 8.0), 8.0
    for row in range(20):
        steering = 0.1 * math.sin(row / 3)
        car = advance(car, steering, 0.0, speed, 0.1)
        for _ in range(round(0.1 / STEP_S)):
            motion = step(motion, steering, 0.0)
            motion = VehicleState(
                motion.x_m, motion.y_m, motion.heading_rad, speed, motion.yaw_rad_s
            )
    assert abs(motion.y_m) > 0.3
    assert car.left_m == pytest.approx(motion.y_m, rel=0.02)
    assert car.heading_rad == pytest.approx(motion.heading_rad, rel=0.02, abs=1e-3)


def test_without_steering_in_a_bend_the_offset_is_the_arcs_sagitta() -> None:
    """The offset from a circle of radius r is x² / 2r, less the effect of the yaw lag."""
    steering = math.degrees(math.atan(2.87 / 40.0)) / 25.0  # 40 m to the right
    # The recorded car drives until its lag has settled; then the virtual car starts on the path.
    settled = advance(RelativePose(), steering, steering, 10.0, 2.0)
    straight = RelativePose(0.0, 0.0, 0.0, settled.recorded_yaw_rad_s)
    car = advance(straight, 0.0, steering, 10.0, 1.0)
    assert car.left_m == pytest.approx(10.0**2 / 2 / 40.0, rel=0.02)
    assert car.heading_rad == pytest.approx(10.0 / 40.0, rel=0.01)


def test_the_yaw_follows_with_a_lag_of_0_15_s() -> None:
    car = advance(RelativePose(), -0.2, 0.0, 10.0, 0.15)
    assert car.yaw_rad_s == pytest.approx((1 - math.exp(-1)) * yaw_rad_s(-0.2, 10.0))
    assert car.recorded_yaw_rad_s == 0.0


def test_positive_steering_turns_to_the_right() -> None:
    assert yaw_rad_s(0.5, 10.0) < 0 < yaw_rad_s(-0.5, 10.0)
    assert yaw_rad_s(2.0, 10.0) == yaw_rad_s(1.0, 10.0)
    assert advance(RelativePose(), 0.5, 0.0, 10.0, 0.5).left_m < 0


def test_after_a_reset_it_moves_as_the_recorded_car_does() -> None:
    car = advance(RelativePose(), -0.5, 0.3, 10.0, 0.5).reset()
    assert car == RelativePose(0.0, 0.0, car.recorded_yaw_rad_s, car.recorded_yaw_rad_s)
    after = advance(car, 0.3, 0.3, 10.0, 1.0)
    assert (after.left_m, after.heading_rad) == (0.0, 0.0)


def test_a_constant_yaw_rate_gives_a_circle() -> None:
    """It has a radius of 40 m, and 20 s at 10 m/s lead around it to the left."""
    position, heading = integrate_path(np.arange(301) / 15, np.full(301, 0.25), np.full(301, 10.0))
    radius = np.hypot(position[:, 0], position[:, 1] - 40.0)
    assert radius == pytest.approx(np.full(301, 40.0), rel=1e-3)
    assert heading[-1] == pytest.approx(0.25 * 20)
    quarter = round(15 * math.pi / 2 / 0.25)
    assert position[quarter] == pytest.approx([40.0, 40.0], abs=0.3)
