import math

import pytest

from contract.vehicle import MAX_STEER_RAD, MPS_PER_MPH, WHEELBASE_M, YAW_LAG_S
from simulator.vehicle import GRAVITY_MPS2, MAX_SPEED_MPS, STEP_S, VehicleState, step


def drive(
    state: VehicleState, seconds: float, steering: float, throttle: float, grade: float = 0.0
):
    for _ in range(round(seconds / STEP_S)):
        state = step(state, steering, throttle, grade)
    return state


def coasting(speed_mps: float, yaw_rad_s: float = 0.0) -> VehicleState:
    return VehicleState(0.0, 0.0, 0.0, speed_mps, yaw_rad_s)


def test_full_throttle_reaches_the_maximum_speed() -> None:
    state = drive(VehicleState(0, 0, 0), 20.0, 0.0, 1.0)
    assert state.speed_mps == MAX_SPEED_MPS == 30 * MPS_PER_MPH


def test_the_torque_on_the_mass_gives_the_acceleration() -> None:
    # 2000 N m / 0.35 m / 1080 kg = 5.291 m/s², minus 0.118 of rolling resistance once it rolls.
    assert drive(VehicleState(0, 0, 0), 1.0, 0.0, 1.0).speed_mps == pytest.approx(5.17, abs=0.01)


def test_the_brake_stops_within_the_grip_and_does_not_reverse() -> None:
    state = drive(coasting(10.0), 0.5, 0.0, -1.0)
    assert state.speed_mps == pytest.approx(10 - 0.5 * (0.9 + 0.012) * GRAVITY_MPS2, abs=0.03)
    assert drive(state, 5.0, 0.0, -1.0).speed_mps == 0.0


def test_positive_steering_goes_to_the_right() -> None:
    state = drive(coasting(5.0), 1.0, 0.5, 0.0)
    assert state.heading_rad < 0
    assert state.y_m < 0 < state.x_m


def test_the_car_settles_on_the_circle_of_the_bicycle() -> None:
    state = drive(coasting(4.0), 3.0, -1.0, 0.0)
    radius = state.speed_mps / state.yaw_rad_s
    assert radius == pytest.approx(WHEELBASE_M / math.tan(MAX_STEER_RAD), rel=0.01)


def test_the_yaw_follows_with_its_lag() -> None:
    state = drive(coasting(4.0), YAW_LAG_S, -0.2, 0.0)
    target = 4.0 * math.tan(0.2 * MAX_STEER_RAD) / WHEELBASE_M
    assert state.yaw_rad_s / target == pytest.approx(1 - math.exp(-1), abs=0.02)


def test_the_lateral_acceleration_is_limited_by_the_grip() -> None:
    state = drive(coasting(13.0), 1.5, -1.0, 0.3)
    assert state.speed_mps * state.yaw_rad_s <= 0.9 * GRAVITY_MPS2 * 1.001
    assert state.speed_mps * math.tan(MAX_STEER_RAD) / WHEELBASE_M > 1.5 * state.yaw_rad_s


def test_slopes_change_the_speed() -> None:
    up = drive(coasting(8.0), 1.0, 0.0, 0.0, grade=0.1)
    down = drive(coasting(8.0), 1.0, 0.0, 0.0, grade=-0.1)
    level = drive(coasting(8.0), 1.0, 0.0, 0.0)
    assert level.speed_mps - up.speed_mps == pytest.approx(0.1 * GRAVITY_MPS2, rel=0.02)
    assert down.speed_mps - level.speed_mps == pytest.approx(0.1 * GRAVITY_MPS2, rel=0.02)


def test_the_path_is_the_arc_and_not_its_chords() -> None:
    """A quarter of a circle at a constant rate ends where geometry says, for any time step."""
    radius = 20.0
    steering = -math.atan(WHEELBASE_M / radius) / MAX_STEER_RAD
    state = VehicleState(0.0, 0.0, 0.0, 5.0, 5.0 / radius)
    while state.heading_rad < math.pi / 2:
        state = step(state, steering, 0.0, -0.01258)  # The grade balances rolling and drag.
    assert state.speed_mps == pytest.approx(5.0, abs=0.05)
    assert (state.x_m, state.y_m) == pytest.approx((radius, radius), abs=0.1)


def test_a_standing_car_stays_on_a_slope() -> None:
    assert drive(VehicleState(0, 0, 0), 1.0, 1.0, 0.0, grade=0.1) == VehicleState(0, 0, 0)
