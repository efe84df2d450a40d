import pytest

from simulator.longitudinal import TOP_MPH, advance


def test_full_throttle_reaches_the_clamp_and_no_more() -> None:
    speed = 0.0
    for _ in range(200):
        speed = advance(speed, 1.0, 1 / 15)
    assert speed == TOP_MPH


def test_the_torque_on_the_mass_gives_the_acceleration() -> None:
    # 2000 N m / 0.35 m / 1080 kg = 5.29 m/s² = 11.84 mph/s
    assert advance(0.0, 1.0, 1.0) == pytest.approx(11.84, abs=0.01)


def test_the_brake_stops_and_does_not_reverse() -> None:
    assert advance(5.0, -1.0, 1 / 15) == 0.0
    assert advance(15.0, -0.5, 1 / 15) == pytest.approx(15 - 59.2 / 15, abs=0.01)
