"""Tests of the speed controller on the simulator's car, with its mass, torques, brakes and drag."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.vehicle import BRAKE_RATIO, MPS_PER_MPH, ROW_S
from driver_bridge.control.roll_direction import (
    DRAG_PER_S,
    FULL_THROTTLE_MPS2,
    RollDirection,
)
from driver_bridge.control.speed_control import (
    MIN_LIMIT_MPH,
    SLEW_PER_S,
    STALE_FRAME_DISTANCE_M,
    SpeedController,
    corner_limit_mph,
    stale_frame_limit_mph,
)
from simulator import vehicle
from simulator.vehicle import STEP_S, VehicleState, step

TARGETS_MPH = [9.0, 15.0, 20.0, 25.0, 30.0]


def drive(
    target_mph: float,
    *,
    grade: float = 0.0,
    seconds: float = 60.0,
    frame_hz: int = 15,
    late: int = 0,
    controller: SpeedController | None = None,
    start_mph: float = 0.0,
) -> list[float]:
    """Drive the car, and return its speed in mph at each frame.

    Args:
        target_mph: the speed to hold.
        grade: slope of the road, rise over run.
        seconds: duration of the drive.
        frame_hz: number of telemetries in a second.
        late: number of frames by which each answer is late.
        controller: the controller; None for a new one.
        start_mph: speed at the beginning.
    """
    controller, direction = controller or SpeedController(), RollDirection()
    car = VehicleState(0.0, 0.0, 0.0, start_mph * MPS_PER_MPH)
    throttles, speeds = [0.0] * (late + 1), []
    for frame in range(round(seconds * frame_hz)):
        mph = abs(car.speed_mps) / MPS_PER_MPH
        throttles.append(controller.throttle(direction.update(round(mph, 4)), target_mph))
        direction.record_throttle(throttles[-1])
        assert throttles[-1] >= 0 or mph > 5 - 1e-4
        steps = round((frame + 1) / frame_hz / STEP_S) - round(frame / frame_hz / STEP_S)
        for _ in range(steps):
            car = step(car, 0.0, throttles[-1 - late], grade)
        speeds.append(car.speed_mps / MPS_PER_MPH)
    return speeds


@pytest.mark.parametrize("target", TARGETS_MPH)
@pytest.mark.parametrize("grade", [0.0, 0.1, -0.1], ids=["flat", "climb", "descent"])
@pytest.mark.parametrize(("frame_hz", "late"), [(15, 0), (15, 1), (50, 1)])
def test_the_overshoot_is_at_most_a_tenth_and_no_steady_error_remains(
    target: float, grade: float, frame_hz: int, late: int
) -> None:
    speeds = drive(target, grade=grade, frame_hz=frame_hz, late=late)
    assert max(speeds) <= 1.1 * target
    end = speeds[-10 * frame_hz :]
    assert max(end) - target <= 0.05
    assert target - min(end) <= 0.05


@pytest.mark.parametrize("grade", [0.0, 0.1, -0.1])
@pytest.mark.parametrize("target", [9.0, 25.0])
def test_the_throttle_does_not_chatter(target: float, grade: float) -> None:
    controller = SpeedController()
    drive(target, grade=grade, controller=controller)
    outputs = []
    for _ in range(60):
        drive(target, seconds=ROW_S, grade=grade, controller=controller, start_mph=target)
        outputs.append(controller.output)
    assert max(outputs) - min(outputs) < 0.1


@pytest.mark.parametrize("target", TARGETS_MPH)
def test_the_target_speed_is_reached_within_six_seconds(target: float) -> None:
    speeds = drive(target)
    frame = next(frame for frame, mph in enumerate(speeds) if mph >= min(0.9 * target, 28))
    assert frame * ROW_S <= 6


def test_a_car_that_is_too_fast_slows_down_without_undershooting_much() -> None:
    speeds = drive(9.0, start_mph=30.0)
    assert speeds[30] < 12
    assert min(speeds) > 0.9 * 9


def test_the_output_changes_no_faster_than_its_slew_rate() -> None:
    controller, last = SpeedController(), 0.0
    for speed, target in [(8, 30)] * 10 + [(30, 9)] * 60 + [(15, 30)] * 60:
        controller.throttle(speed, target)
        assert abs(controller.output - last) <= SLEW_PER_S * ROW_S + 1e-9
        last = controller.output


def test_the_integral_does_not_wind_up_on_a_hill_that_is_too_steep() -> None:
    controller = SpeedController()
    # The car does not move even at full throttle.
    for _ in range(120 * 15):
        controller.throttle(0.0, 15.0)
    assert controller.integral < 0.3
    assert all(mph <= 1.1 * 15 for mph in drive(15.0, controller=controller))


@given(st.lists(st.tuples(st.floats(-30, 60), st.floats(1, 30)), max_size=200))
def test_the_throttle_is_always_within_its_range(inputs: list[tuple[float, float]]) -> None:
    controller = SpeedController()
    for speed, target in inputs:
        lowest = 0 if speed <= 5 else -1
        assert lowest <= controller.throttle(speed, target) <= 1


def test_a_reset_clears_the_state_of_the_controller() -> None:
    controller = SpeedController()
    drive(15.0, grade=0.1, controller=controller)
    controller.reset()
    assert (controller.integral, controller.output) == (0, 0)


def test_the_figures_of_the_car_are_those_of_the_simulated_car() -> None:
    assert BRAKE_RATIO == vehicle.BRAKE_NM / vehicle.THROTTLE_NM == 4 * 20_000 / 2_000
    assert pytest.approx(vehicle.FULL_THROTTLE_MPS2, rel=1e-3) == FULL_THROTTLE_MPS2
    assert DRAG_PER_S == vehicle.DRAG_PER_S


def test_the_corner_limit_gives_the_sideways_acceleration_that_was_asked_for() -> None:
    radius_m = 2.87 / math.tan(math.radians(25 * 0.5))
    mps = corner_limit_mph(-0.5, 0.3) * MPS_PER_MPH
    assert mps**2 / radius_m == pytest.approx(0.3 * 9.81)
    assert corner_limit_mph(0.5, 0.3) == corner_limit_mph(-0.5, 0.3)
    assert corner_limit_mph(0.9, 0.3) < corner_limit_mph(0.3, 0.3)
    assert corner_limit_mph(1.5, 0.3) == corner_limit_mph(1.0, 0.3)  # the wheels turn no further


def test_there_is_no_corner_limit_without_corner_g_or_on_a_straight() -> None:
    assert corner_limit_mph(1.0, 0.0) == math.inf
    assert corner_limit_mph(0.0, 0.3) == math.inf
    assert corner_limit_mph(1.0, 0.001) == MIN_LIMIT_MPH


@pytest.mark.parametrize("age_s", [0.05, 0.1, 0.25, 0.5])
def test_the_limit_for_stale_frames_allows_a_constant_distance(age_s: float) -> None:
    distance_m = stale_frame_limit_mph(age_s) * MPS_PER_MPH * age_s
    assert distance_m == pytest.approx(STALE_FRAME_DISTANCE_M)


def test_fresh_frames_do_not_slow_the_car_and_very_old_ones_do_not_stop_it() -> None:
    assert stale_frame_limit_mph(0.0) == math.inf
    assert stale_frame_limit_mph(0.05) > 30
    assert stale_frame_limit_mph(100.0) == MIN_LIMIT_MPH
