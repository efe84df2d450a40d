"""Tests of the direction on sequences by hand; test_stopping.py drives the simulator's car."""

import pytest

from driver_bridge.control.roll_direction import RollDirection


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
