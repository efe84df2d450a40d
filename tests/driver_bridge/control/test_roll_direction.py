"""Tests of the direction on sequences by hand; test_stopping.py drives the simulator's car."""

import math

import pytest

from driver_bridge.control.roll_direction import FULL_THROTTLE_MPS2, RollDirection


def last(samples: list[tuple[float, float]]) -> float:
    """Return the speed with its sign after samples of speed in mph and the throttle answered."""
    direction, signed_mph = RollDirection(), 0.0
    for speed_mph, throttle in samples:
        signed_mph = direction.update(speed_mph)
        direction.record_throttle(throttle)
    return signed_mph


@pytest.mark.parametrize(
    ("samples", "signed_mph"),
    [
        # The engine makes a car faster that rolls forwards, and slower if it rolls backwards.
        ([(0.0, 0.6), (0.2, 0.6), (0.4, 0.6), (0.6, 0.6)], 0.6),
        ([(3.0, 0.6), (2.8, 0.6), (2.6, 0.6), (2.4, 0.6)], -2.4),
        # A car that gains speed from standing without throttle has been taken by the slope.
        ([(0.3, 0.0), (0.1, 0.0), (0.2, 0.0), (0.4, 0.0)], -0.4),
        # What slows down towards standing, and turns around there, has changed its direction.
        ([(0.5, 0.15), (0.35, 0.15), (0.2, 0.15), (0.05, 0.15), (0.1, 0.15), (0.25, 0.15)], -0.25),
        # A brake that makes a car faster is the reverse gear.
        ([(6.0 + 0.1 * i, -0.03) for i in range(12)], -7.1),
        ([(20.0 - 1.0 * i, -0.03) for i in range(12)], 9.0),
        # Driving up a slope costs speed, too, and one that drove on has not turned around.
        (
            [(9.0 + 0.5 * i, 0.8) for i in range(10)] + [(13.5 - 0.1 * i, 0.2) for i in range(30)],
            10.6,
        ),
        # Another simulator may send the sign.
        ([(-3.0, 0.0)], -3.0),
    ],
)
def test_the_direction_is_concluded_from_speed_and_throttle(
    samples: list[tuple[float, float]], signed_mph: float
) -> None:
    assert last(samples) == pytest.approx(signed_mph)


def signed(samples: list[tuple[float, float]]) -> list[float]:
    """Return the speeds with their signs, after each of the samples."""
    direction, speeds = RollDirection(), []
    for speed_mph, throttle in samples:
        speeds.append(round(direction.update(speed_mph), 4))
        direction.record_throttle(throttle)
    return speeds


def test_the_figures_are_those_of_the_cars_data() -> None:
    """An engine of 2,000 N m drives wheels of 0.335 and 0.37 m, half each, of 1,080 kg."""
    force_n = 2000 / 2 / 0.335 + 2000 / 2 / 0.37
    assert force_n / 1080 == pytest.approx(FULL_THROTTLE_MPS2, rel=0.002)


def test_a_car_that_was_known_to_roll_forwards_is_doubted_after_eight_changes() -> None:
    """Under full throttle it slows down: eight telemetries in a row, and it rolls backwards."""
    known = [(5 + 0.5 * i, 0.8) for i in range(6)]
    slower = [(7.5 - 0.1 * i, 0.8) for i in range(1, 12)]
    speeds = signed(known + slower)
    assert [speed > 0 for speed in speeds] == [True] * (6 + 7) + [False] * 4
    once_faster = [*slower[:5], (7.2, 0.8), *[(7.2 - 0.1 * i, 0.8) for i in range(1, 8)]]
    assert min(signed(known + once_faster)) > 0


def test_brakes_tell_the_direction_of_a_car_that_was_known_to_roll_forwards() -> None:
    """It becomes faster while nine answers in a row were brakes: they are the reverse gear."""
    known = [(5 + 0.5 * i, 0.8) for i in range(6)]
    faster = [(7.5 + 0.3 * i, -0.03) for i in range(1, 14)]
    speeds = signed(known + faster)
    assert [speed > 0 for speed in speeds] == [True] * (6 + 9) + [False] * 4


def test_brakes_that_slow_the_car_down_show_that_it_rolls_forwards() -> None:
    """Its own simulator said once that it rolled backwards."""
    speeds = signed([(-10.0, -0.03), (9.5, -0.03), (9.0, -0.03), (8.5, -0.03), (8.0, -0.03)])
    assert speeds == [-10.0, -9.5, -9.0, 8.5, 8.0]


def test_a_brake_too_weak_for_the_steepest_slope_tells_nothing() -> None:
    """A brake of -0.005 is a fifth of the engine: 1.05 m/s², and a slope may pull with 1.5."""
    weak = signed([(-10.0, -0.005), *[(9.5 - 0.5 * i, -0.005) for i in range(6)]])
    assert max(weak) < 0


@pytest.mark.parametrize(("throttle", "sign"), [(0.05, -1), (0.1, 1), (0.15, 1)])
def test_a_car_that_gains_speed_with_hardly_any_throttle_rolls_back(
    throttle: float, sign: int
) -> None:
    speeds = signed([(0.05, throttle), (0.15, throttle), (0.25, throttle), (0.6, throttle)])
    assert speeds[-1] == sign * 0.6


def test_two_rises_from_standing_are_enough() -> None:
    assert signed([(0.3, 0.0), (0.45, 0.0)]) == [0.3, -0.45]


def test_half_a_mile_an_hour_is_slow_enough_to_turn_around() -> None:
    """What was known is forgotten there, and the speed goes on through 0 as it changed before."""
    known = [(5 + 0.5 * i, 0.8) for i in range(6)]
    turned = [(0.5, -0.03), (0.6, -0.03), (0.7, -0.03), (0.8, -0.03)]
    assert signed(known + turned)[-4:] == [0.5, 0.6, 0.7, -0.8]
    assert signed([(1.1, 0.15), (0.5, 0.15), (0.3, 0.15)]) == [1.1, 0.5, -0.3]


def test_a_car_that_stands_is_not_said_to_roll() -> None:
    assert signed([(0.02, 0.0), (0.05, 0.0), (0.08, 0.0), (0.09, 0.0)])[-1] == 0.09
    assert signed([(0.0, 0.0)] * 5) == [0.0] * 5
    assert math.copysign(1.0, RollDirection().update(0.0)) == 1.0


def test_noise_of_the_last_decimal_is_no_change() -> None:
    """0.0002 mph are two units of telemetry's last decimal."""
    known = [(5 + 0.5 * i, 0.8) for i in range(6)]
    noisy = [(7.5 - 0.0001 * (i % 3), 0.8) for i in range(30)]
    assert min(signed(known + noisy)) > 0
