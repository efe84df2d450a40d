import math

import pytest

from contract.vehicle import MAX_STEER_RAD, MPS_PER_MPH, WHEELBASE_M, YAW_LAG_S
from simulator.vehicle import GRAVITY, STEP_S, TOP_MPS, Motion, step


def driven(motion: Motion, seconds: float, steering: float, throttle: float, grade: float = 0.0):
    for _ in range(round(seconds / STEP_S)):
        motion = step(motion, steering, throttle, grade)
    return motion


def coasting(speed_mps: float, yaw_rad_s: float = 0.0) -> Motion:
    return Motion(0.0, 0.0, 0.0, speed_mps, yaw_rad_s)


def test_full_throttle_reaches_the_clamp_and_no_more() -> None:
    assert driven(Motion(0, 0, 0), 20.0, 0.0, 1.0).speed_mps == TOP_MPS == 30 * MPS_PER_MPH


def test_the_torque_on_the_mass_gives_the_acceleration() -> None:
    # 2000 N m / 0.35 m / 1080 kg = 5.291 m/s², less 0.118 of rolling once it rolls
    assert driven(Motion(0, 0, 0), 1.0, 0.0, 1.0).speed_mps == pytest.approx(5.17, abs=0.01)


def test_the_brake_stops_within_the_grip_and_does_not_reverse() -> None:
    motion = driven(coasting(10.0), 0.5, 0.0, -1.0)
    assert motion.speed_mps == pytest.approx(10 - 0.5 * (0.9 + 0.012) * GRAVITY, abs=0.03)
    assert driven(motion, 5.0, 0.0, -1.0).speed_mps == 0.0


def test_positive_steering_goes_to_the_right() -> None:
    motion = driven(coasting(5.0), 1.0, 0.5, 0.0)
    assert motion.heading_rad < 0
    assert motion.y_m < 0 < motion.x_m


def test_in_the_end_it_turns_on_the_bicycles_circle() -> None:
    motion = driven(coasting(4.0), 3.0, -1.0, 0.0)
    radius = motion.speed_mps / motion.yaw_rad_s
    assert radius == pytest.approx(WHEELBASE_M / math.tan(MAX_STEER_RAD), rel=0.01)


def test_the_yaw_follows_with_its_lag() -> None:
    motion = driven(coasting(4.0), YAW_LAG_S, -0.2, 0.0)
    wanted = 4.0 * math.tan(0.2 * MAX_STEER_RAD) / WHEELBASE_M
    assert motion.yaw_rad_s / wanted == pytest.approx(1 - math.exp(-1), abs=0.02)


def test_the_tyres_hold_no_more_than_their_grip() -> None:
    motion = driven(coasting(13.0), 1.5, -1.0, 0.3)
    assert motion.speed_mps * motion.yaw_rad_s <= 0.9 * GRAVITY * 1.001
    assert motion.speed_mps * math.tan(MAX_STEER_RAD) / WHEELBASE_M > 1.5 * motion.yaw_rad_s


def test_hills_matter() -> None:
    up = driven(coasting(8.0), 1.0, 0.0, 0.0, grade=0.1)
    down = driven(coasting(8.0), 1.0, 0.0, 0.0, grade=-0.1)
    level = driven(coasting(8.0), 1.0, 0.0, 0.0)
    assert level.speed_mps - up.speed_mps == pytest.approx(0.1 * GRAVITY, rel=0.02)
    assert down.speed_mps - level.speed_mps == pytest.approx(0.1 * GRAVITY, rel=0.02)


def test_the_way_is_that_of_the_arc_and_not_of_its_chords() -> None:
    """A quarter of a circle at a constant rate ends where geometry says, whatever the step."""
    radius = 20.0
    steering = -math.atan(WHEELBASE_M / radius) / MAX_STEER_RAD
    motion = Motion(0.0, 0.0, 0.0, 5.0, 5.0 / radius)
    while motion.heading_rad < math.pi / 2:
        motion = step(motion, steering, 0.0, -0.01258)  # what makes up for rolling and drag
    assert motion.speed_mps == pytest.approx(5.0, abs=0.05)
    assert (motion.x_m, motion.y_m) == pytest.approx((radius, radius), abs=0.1)


def test_a_standing_car_stands_on_a_slope_that_its_brake_holds() -> None:
    assert driven(Motion(0, 0, 0), 1.0, 1.0, 0.0, grade=0.1) == Motion(0, 0, 0)
