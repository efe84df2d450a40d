import pytest
from hypothesis import given
from hypothesis import strategies as st

from driver_bridge.control import FRAME_S, HOLD_S, Cruise, without_steering


def drive(cruise: Cruise, seconds: float, drag: float = 0.0) -> list[float]:
    """Drive a plant of 11.8 mph/s at full throttle, less `drag` mph/s; return the speeds."""
    speed, speeds = 0.0, []
    for _ in range(int(seconds / FRAME_S)):
        speed = max(0.0, speed + (11.8 * cruise.throttle(speed) - drag) * FRAME_S)
        speeds.append(speed)
    return speeds


@pytest.mark.parametrize("target", [9.0, 15.0, 25.0])
def test_the_speed_is_reached_without_much_overshoot_and_held(target: float) -> None:
    speeds = drive(Cruise(target), 60)
    assert max(speeds) <= 1.1 * target
    assert speeds[-1] == pytest.approx(target, abs=0.1)


def test_a_hill_leaves_no_error_behind() -> None:
    assert drive(Cruise(15.0), 90, drag=2.2)[-1] == pytest.approx(15.0, abs=0.1)


def test_a_hill_too_steep_winds_nothing_up() -> None:
    cruise = Cruise(15.0)
    drive(cruise, 120, drag=20.0)  # the car does not move at full throttle
    assert cruise.integral < 1
    assert cruise.throttle(25.0) < 0  # and brakes at once when it is too fast


@given(st.lists(st.floats(0, 60), max_size=200), st.floats(1, 30))
def test_the_throttle_is_always_within_its_range(speeds: list[float], target: float) -> None:
    cruise = Cruise(target)
    for speed in speeds:
        assert -1 <= cruise.throttle(speed) <= 1


def test_a_reset_forgets_the_hill() -> None:
    cruise = Cruise(15.0)
    drive(cruise, 30, drag=2.2)
    cruise.reset()
    assert cruise.integral == 0


def test_the_last_steering_is_held_for_a_moment() -> None:
    assert without_steering(0.3, HOLD_S, 15.0, 0.2) == (0.3, 0.2)


def test_then_the_car_is_braked_straight() -> None:
    assert without_steering(0.3, HOLD_S + 0.01, 15.0, 0.2) == (0.0, -1.0)


def test_a_standing_car_is_left_standing() -> None:
    assert without_steering(0.3, float("inf"), 0.0, 1.0) == (0.0, 0.0)
