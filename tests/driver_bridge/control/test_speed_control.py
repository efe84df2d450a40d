"""The controller on the car as the simulator has it: masses, torques, brakes, drag, the clamp."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.vehicle import MPS_PER_MPH, ROW_S
from driver_bridge.control.speed_control import (
    BLIND_M,
    BRAKE_RATIO,
    HOLD_S,
    SLEW_PER_S,
    SLOWEST_MPH,
    Cruise,
    blind_mph,
    corner_mph,
    without_steering,
)
from simulator.vehicle import BRAKE_NM, STEP_S, THROTTLE_NM, VehicleState, step

TARGETS_MPH = [9.0, 15.0, 20.0, 25.0, 30.0]


def drive(
    target_mph: float,
    *,
    grade: float = 0.0,
    seconds: float = 60.0,
    frame_hz: int = 15,
    late: int = 0,
    cruise: Cruise | None = None,
    start_mph: float = 0.0,
) -> list[float]:
    """Drive the car; return its speed in mph at each frame.

    Args:
        target_mph: to hold.
        grade: rise over run.
        seconds: of the drive.
        frame_hz: telemetries a second.
        late: frames by which an answer comes late.
        cruise: the controller; default: a new one.
        start_mph: at the beginning.
    """
    cruise, car = cruise or Cruise(), VehicleState(0.0, 0.0, 0.0, start_mph * MPS_PER_MPH)
    throttles, speeds = [0.0] * (late + 1), []
    for frame in range(round(seconds * frame_hz)):
        throttles.append(cruise.throttle(car.speed_mps / MPS_PER_MPH, target_mph))
        steps = round((frame + 1) / frame_hz / STEP_S) - round(frame / frame_hz / STEP_S)
        for _ in range(steps):
            car = step(car, 0.0, throttles[-1 - late], grade)
        speeds.append(car.speed_mps / MPS_PER_MPH)
    return speeds


@pytest.mark.parametrize("target", TARGETS_MPH)
@pytest.mark.parametrize("grade", [0.0, 0.1, -0.1], ids=["flat", "climb", "descent"])
@pytest.mark.parametrize(("frame_hz", "late"), [(15, 0), (15, 1), (50, 1)])
def test_no_overshoot_above_a_tenth_and_no_error_that_stays(
    target: float, grade: float, frame_hz: int, late: int
) -> None:
    speeds = drive(target, grade=grade, frame_hz=frame_hz, late=late)
    assert max(speeds) <= 1.1 * target
    last = speeds[-10 * frame_hz :]
    assert max(last) - target <= 0.05
    assert target - min(last) <= 0.05


@pytest.mark.parametrize("target", TARGETS_MPH)
def test_the_speed_is_reached_soon(target: float) -> None:
    reached = next(
        number for number, mph in enumerate(drive(target)) if mph >= min(0.9 * target, 28)
    )
    assert reached * ROW_S <= 6


def test_a_car_that_is_too_fast_is_slowed_without_falling_far_below() -> None:
    speeds = drive(9.0, start_mph=30.0)
    assert speeds[30] < 12
    assert min(speeds) > 0.9 * 9


def test_the_throttle_changes_no_faster_than_its_slew() -> None:
    cruise, last = Cruise(), 0.0
    for speed, target in [(0, 30)] * 10 + [(30, 9)] * 60 + [(0, 30)] * 60:
        cruise.throttle(speed, target)
        assert abs(cruise.output - last) <= SLEW_PER_S * ROW_S + 1e-9
        last = cruise.output


def test_a_hill_too_steep_winds_nothing_up() -> None:
    cruise = Cruise()
    drive(15.0, grade=0.9, seconds=120, cruise=cruise)  # the car does not move at full throttle
    assert cruise.integral < 0.3
    assert all(mph <= 1.1 * 15 for mph in drive(15.0, cruise=cruise))


@given(st.lists(st.tuples(st.floats(0, 60), st.floats(1, 30)), max_size=200))
def test_the_throttle_is_always_within_its_range(seen: list[tuple[float, float]]) -> None:
    cruise = Cruise()
    for speed, target in seen:
        assert -1 <= cruise.throttle(speed, target) <= 1


def test_a_reset_forgets_the_hill() -> None:
    cruise = Cruise()
    drive(15.0, grade=0.1, cruise=cruise)
    cruise.reset()
    assert (cruise.integral, cruise.output) == (0, 0)


def test_the_brakes_are_as_strong_as_the_simulators() -> None:
    assert BRAKE_RATIO == BRAKE_NM / THROTTLE_NM


def test_a_bend_is_driven_at_the_speed_that_its_radius_allows() -> None:
    radius_m = 2.87 / math.tan(math.radians(25 * 0.5))
    mps = corner_mph(-0.5, 0.3) * MPS_PER_MPH
    assert mps**2 / radius_m == pytest.approx(0.3 * 9.81)
    assert corner_mph(0.5, 0.3) == corner_mph(-0.5, 0.3)
    assert corner_mph(0.9, 0.3) < corner_mph(0.3, 0.3)


def test_no_bend_slows_a_car_that_is_not_asked_to_or_goes_straight() -> None:
    assert corner_mph(1.0, 0.0) == math.inf
    assert corner_mph(0.0, 0.3) == math.inf
    assert corner_mph(1.0, 0.001) == SLOWEST_MPH


@pytest.mark.parametrize("age_s", [0.05, 0.1, 0.25, 0.5])
def test_while_a_frame_is_old_the_car_goes_no_further_than_it_may(age_s: float) -> None:
    assert blind_mph(age_s) * MPS_PER_MPH * age_s == pytest.approx(BLIND_M)


def test_fresh_frames_slow_nothing_and_ancient_ones_stop_nothing() -> None:
    assert blind_mph(0.0) == math.inf
    assert blind_mph(0.05) > 30
    assert blind_mph(100.0) == SLOWEST_MPH


def test_the_last_steering_is_held_for_a_moment() -> None:
    assert without_steering(0.3, HOLD_S, 15.0, 0.2) == (0.3, 0.2)


def test_then_the_car_is_braked_straight() -> None:
    assert without_steering(0.3, HOLD_S + 0.01, 15.0, 0.2) == (0.0, -1.0)


def test_a_standing_car_is_left_standing() -> None:
    assert without_steering(0.3, float("inf"), 0.0, 1.0) == (0.0, 0.0)
