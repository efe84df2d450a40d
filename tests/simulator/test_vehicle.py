import math

import pytest

from contract.vehicle import MAX_STEER_RAD, MPS_PER_MPH, WHEELBASE_M, YAW_LAG_S
from simulator.vehicle import MAX_SPEED_MPS, STEP_S, VehicleState, step

# From the prefab's figures by hand. Each wheel has a quarter of a torque, so 1 N m in all pushes
# with (1 / 0.335 m + 1 / 0.37 m) / 2 = 2.8439 N. The car has 1,080 kg.
ENGINE_MPS2 = 2000 * 2.8439 / 1080  # 5.266
REVERSE_MPS2 = 4 * 150 * 2.8439 / 1080  # 1.580
GRIP_MPS2 = 0.9 * 9.81
GRAVITY_MPS2 = 9.81
MPH_5 = 5 * 1609.344 / 3600


def speed_after(seconds: float, push_mps2: float, speed_mps: float = 0.0) -> float:
    """Return the solution of v' = push - 0.1 v, the drag of Unity's rigid body."""
    return push_mps2 / 0.1 + (speed_mps - push_mps2 / 0.1) * math.exp(-0.1 * seconds)


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
    assert drive(coasting(0.0), 1.0, 0.0, 1.0).speed_mps == pytest.approx(
        speed_after(1.0, ENGINE_MPS2), abs=0.01
    )


def test_a_car_that_coasts_loses_a_tenth_of_its_speed_in_a_second() -> None:
    assert drive(coasting(10.0), 10.0, 0.0, 0.0).speed_mps == pytest.approx(10 / math.e, abs=0.01)


@pytest.mark.parametrize("throttle", [-1.0, -0.05])
def test_the_brake_stops_within_the_grip(throttle: float) -> None:
    """80,000 N m would be 210 m/s²; a twentieth of it is more than the tyres hold, too."""
    state = drive(coasting(10.0), 0.5, 0.0, throttle)
    assert state.speed_mps == pytest.approx(speed_after(0.5, -GRIP_MPS2, 10.0), abs=0.02)


def test_a_light_brake_is_its_torque() -> None:
    state = drive(coasting(10.0), 0.5, 0.0, -0.01)
    push = -0.01 * 80_000 * 2.8439 / 1080
    assert state.speed_mps == pytest.approx(speed_after(0.5, push, 10.0), abs=0.01)


@pytest.mark.parametrize("start_mph", [0.0, 4.9, -8.0])
def test_a_negative_throttle_is_the_reverse_gear_below_5_mph_and_backwards(
    start_mph: float,
) -> None:
    start = coasting(start_mph * MPS_PER_MPH)
    state = drive(start, 2.0, 0.0, -0.5)
    expected = speed_after(2.0, -0.5 * REVERSE_MPS2, start.speed_mps)
    assert state.speed_mps == pytest.approx(expected, abs=0.01)
    assert drive(coasting(0.0), 120.0, 0.0, -1.0).speed_mps < -13


def test_brakes_that_are_on_at_5_mph_stay_on_until_a_negative_throttle_releases_them() -> None:
    state = coasting(MPH_5 + 0.3)
    while state.speed_mps > MPH_5:
        state = step(state, 0.0, -1.0)
    stopped = drive(state, 1.0, 0.0, 0.0, grade=0.1)
    assert (stopped.speed_mps, stopped.brake_nm) == (0.0, 80_000)
    assert drive(stopped, 5.0, 0.0, 1.0).speed_mps == 0.0
    released = step(stopped, 0.0, -1e-6)
    assert released.brake_nm == 0
    assert drive(released, 1.0, 0.0, 1.0).speed_mps > 4


def test_a_higher_speed_releases_the_brakes_too() -> None:
    rolling = VehicleState(0.0, 0.0, 0.0, MPH_5 + 0.1, brake_nm=100.0)
    assert step(rolling, 0.0, 0.3).brake_nm == 0


@pytest.mark.parametrize("grade", [0.1, -0.1])
def test_a_car_without_throttle_rolls_down_a_slope(grade: float) -> None:
    state = drive(coasting(0.0), 3.0, 0.0, 0.0, grade=grade)
    pull = -9.81 * math.sin(math.atan(grade))
    assert state.speed_mps == pytest.approx(speed_after(3.0, pull), abs=0.01)
    assert state.x_m * grade < 0


def test_a_car_that_rolls_back_turns_the_other_way() -> None:
    assert drive(coasting(-4.0), 1.0, 0.5, 0.0).heading_rad > 0


def test_positive_steering_goes_to_the_right() -> None:
    state = drive(coasting(5.0), 1.0, 0.5, 0.0)
    assert state.heading_rad < 0
    assert state.y_m < 0 < state.x_m


def test_the_car_settles_on_the_circle_of_the_bicycle() -> None:
    state = drive(coasting(4.0), 3.0, -1.0, 0.1 * 4 / ENGINE_MPS2)
    radius = state.speed_mps / state.yaw_rad_s
    assert radius == pytest.approx(WHEELBASE_M / math.tan(MAX_STEER_RAD), rel=0.01)


def test_the_yaw_follows_with_its_lag() -> None:
    state = drive(coasting(4.0), YAW_LAG_S, -0.2, 0.0)
    target = 4.0 * math.tan(0.2 * MAX_STEER_RAD) / WHEELBASE_M
    assert state.yaw_rad_s / target == pytest.approx(1 - math.exp(-1), abs=0.02)


def test_the_lateral_acceleration_is_limited_by_the_grip() -> None:
    state = drive(coasting(13.0), 1.5, -1.0, 0.1 * 13 / ENGINE_MPS2)
    assert state.speed_mps * state.yaw_rad_s <= 0.9 * GRAVITY_MPS2 * 1.001
    assert state.speed_mps * math.tan(MAX_STEER_RAD) / WHEELBASE_M > 1.5 * state.yaw_rad_s


def test_slopes_change_the_speed() -> None:
    up = drive(coasting(8.0), 1.0, 0.0, 0.0, grade=0.1)
    down = drive(coasting(8.0), 1.0, 0.0, 0.0, grade=-0.1)
    level = drive(coasting(8.0), 1.0, 0.0, 0.0)
    difference = speed_after(1.0, 9.81 * math.sin(math.atan(0.1)))
    assert level.speed_mps - up.speed_mps == pytest.approx(difference, abs=0.01)
    assert down.speed_mps - level.speed_mps == pytest.approx(difference, abs=0.01)


def test_the_path_of_the_rear_axle_is_the_arc_and_not_its_chords() -> None:
    """A quarter of a circle at a constant rate ends where geometry says, for any time step."""
    radius = 20.0
    steering = -math.atan(WHEELBASE_M / radius) / MAX_STEER_RAD
    state = VehicleState(0.0, 0.0, 0.0, 5.0, 5.0 / radius)
    grade = -math.tan(math.asin(0.1 * 5.0 / 9.81))  # It balances the drag.
    while state.heading_rad < math.pi / 2:
        state = step(state, steering, 0.0, grade)
    assert state.speed_mps == pytest.approx(5.0, abs=0.05)
    # The rear axle starts 1.6 m behind the origin, and ends 1.6 m below it.
    assert (state.x_m + 1.6, state.y_m - 1.6) == pytest.approx((radius, radius), abs=0.1)


@pytest.mark.parametrize("steering", [0.8, 0.3, -0.1, -1.0])
def test_both_axles_roll_where_their_wheels_point(steering: float) -> None:
    """In a steady bend, the ground passes along the wheels: behind ahead, in front as steered."""
    before = VehicleState(3.0, -2.0, 0.7, 4.0, -4.0 * math.tan(steering * MAX_STEER_RAD) / 2.87)
    after = step(before, steering, 0.4 / 5.27)  # The throttle balances the drag.
    for ahead_m, wheel_rad in ((-1.6, 0.0), (1.27, -steering * MAX_STEER_RAD)):
        move_x, move_y = (
            getattr(after, axis)
            - getattr(before, axis)
            + ahead_m * (turned(after.heading_rad) - turned(before.heading_rad))
            for axis, turned in (("x_m", math.cos), ("y_m", math.sin))
        )
        heading = (before.heading_rad + after.heading_rad) / 2
        assert math.atan2(move_y, move_x) - heading == pytest.approx(wheel_rad, abs=1e-3)
