"""Tests of stopping, holding and rolling back, on the simulator's car with its reverse gear."""

from collections.abc import Callable

import pytest

from contract.vehicle import MPS_PER_MPH
from driver_bridge.control.roll_direction import RollDirection
from driver_bridge.control.speed_control import (
    BLIND_BRAKE_S,
    BRAKE_TIME_S,
    MAX_BRAKE,
    SpeedController,
    brake_blindly,
)
from simulator.vehicle import STEP_S, VehicleState, step

REVERSE_MPS2 = 4 * 150 * (1 / 0.335 + 1 / 0.37) / 2 / 1080


class ControlledCar:
    """A car, and the two laws that see its speed as telemetry has it.

    Args:
        grade: slope of the road, rise over run.
        frame_hz: number of telemetries in a second.
        late: number of frames by which each answer is in force later.
        speed_mph: speed at the beginning, negative backwards.
    """

    def __init__(
        self, grade: float, frame_hz: int = 15, late: int = 0, speed_mph: float = 0.0
    ) -> None:
        self.car = VehicleState(0.0, 0.0, 0.0, speed_mph * MPS_PER_MPH)
        self.controller = SpeedController()
        self.direction = RollDirection()
        self.throttles = [0.0] * (late + 1)
        self.speeds_mph: list[float] = []
        self.places_m: list[float] = []
        self._grade, self._frame_hz, self._late, self._frame = grade, frame_hz, late, 0

    def drive(self, target_mph: float, seconds: float) -> None:
        self._run(seconds, lambda mph: self.controller.throttle(mph, target_mph))

    def stop(self, seconds: float) -> None:
        self._run(seconds, self.controller.stop)

    def _run(self, seconds: float, law: Callable[[float], float]) -> None:
        self.speeds_mph.clear()
        self.places_m.clear()
        for _ in range(round(seconds * self._frame_hz)):
            mph = self.car.speed_mps / MPS_PER_MPH
            throttle = law(self.direction.update(round(abs(mph), 4)))
            self.direction.record_throttle(throttle)
            assert throttle >= 0 or abs(mph) > 5 - 1e-4
            self.throttles.append(throttle)
            end = round((self._frame + 1) / self._frame_hz / STEP_S)
            for _ in range(end - round(self._frame / self._frame_hz / STEP_S)):
                self.car = step(self.car, 0.0, self.throttles[-1 - self._late], self._grade)
            self._frame += 1
            self.speeds_mph.append(self.car.speed_mps / MPS_PER_MPH)
            self.places_m.append(self.car.x_m)

    def rolled_back_m(self) -> float:
        return max(self.places_m) - self.places_m[-1]


TIMINGS = [(15, 0), (15, 1), (30, 1), (60, 1), (60, 3)]


@pytest.mark.parametrize(("frame_hz", "late"), TIMINGS)
@pytest.mark.parametrize("grade", [0.01, 0.03, 0.05, 0.1])
def test_a_car_that_stops_on_a_climb_stays_there_and_drives_on(
    grade: float, frame_hz: int, late: int
) -> None:
    """It stays within 1 m behind its furthest point and within 3 m ahead of where it stood."""
    car = ControlledCar(grade, frame_hz, late)
    for target_mph in (9.0, 25.0):
        car.drive(target_mph, 12.0)
        car.stop(30.0)
        stood = next(i for i, mph in enumerate(car.speeds_mph) if mph < 0.3)
        assert max(car.places_m) - min(car.places_m[car.places_m.index(max(car.places_m)) :]) < 1
        assert max(car.places_m) - car.places_m[stood] < 3
        assert max(map(abs, car.speeds_mph[stood:])) < 2.5
    car.drive(9.0, 12.0)
    assert car.speeds_mph[-1] == pytest.approx(9.0, abs=0.3)


@pytest.mark.parametrize(("frame_hz", "late"), TIMINGS)
@pytest.mark.parametrize("grade", [-0.1, -0.05])
def test_a_car_that_stops_on_a_descent_is_held_at_5_mph(
    grade: float, frame_hz: int, late: int
) -> None:
    """Only the reverse gear could stop it; g · grade - 0.1 v is braked just above 5 mph."""
    car = ControlledCar(grade, frame_hz, late)
    car.drive(15.0, 12.0)
    car.stop(12.0)
    settled = car.speeds_mph[-4 * frame_hz :]
    assert max(settled) < 5.5
    brakes = car.throttles[-4 * frame_hz :]
    assert max(brakes) - min(brakes) < 0.0005


@pytest.mark.parametrize(("frame_hz", "late"), TIMINGS)
def test_a_car_stops_on_the_flat_as_fast_as_its_tyres_allow(frame_hz: int, late: int) -> None:
    """From 30 mph to 10: (13.4² - 4.5²) / 2 / 8.83 = 9.0 m; then the brake fades towards 5 mph."""
    car = ControlledCar(0.0, frame_hz, late, 30.0)
    car.controller.output = 0.3
    car.stop(40.0)
    slow = next(i for i, mph in enumerate(car.speeds_mph) if mph <= 5.5)
    late_m = (late + 1) / frame_hz * 13.4
    assert car.places_m[slow] < 9.0 + late_m + 4.5 * BRAKE_TIME_S * 4
    assert 0 <= car.speeds_mph[-1] < 0.5
    assert car.car.brake_nm < 10


def test_the_strongest_brake_is_more_than_the_tyres_hold() -> None:
    torque_nm = MAX_BRAKE * 2000
    assert torque_nm * (1 / 0.335 + 1 / 0.37) / 2 / 1080 > 0.9 * 9.81


@pytest.mark.parametrize("grade", [0.05, 0.1])
@pytest.mark.parametrize("back_mph", [-0.5, -3.0, -8.0])
def test_a_car_that_rolls_back_at_the_start_is_driven_forwards(
    grade: float, back_mph: float
) -> None:
    """At -8 mph its magnitude is almost the target's, as if hardly any throttle were needed."""
    car = ControlledCar(grade, speed_mph=back_mph)
    car.drive(9.0, 15.0)
    assert car.speeds_mph[-1] == pytest.approx(9.0, abs=0.3)


@pytest.mark.parametrize("back_mph", [-2.0, -8.0])
def test_a_car_that_rolls_back_when_it_must_stop_is_stopped(back_mph: float) -> None:
    car = ControlledCar(0.1, speed_mph=back_mph)
    car.stop(30.0)
    assert abs(car.speeds_mph[-1]) < 1


def test_a_car_of_unknown_speed_is_braked_for_a_time_that_cannot_drive_it_far() -> None:
    throttle = brake_blindly(0.0)
    assert brake_blindly(BLIND_BRAKE_S - 0.01) == throttle < 0
    assert brake_blindly(BLIND_BRAKE_S) == brake_blindly(1e9) == 0.0
    backwards_m = 0.5 * -throttle * REVERSE_MPS2 * BLIND_BRAKE_S**2
    assert backwards_m < 0.2
    driving = VehicleState(0.0, 0.0, 0.0, 30 * MPS_PER_MPH)
    for _ in range(round(BLIND_BRAKE_S / STEP_S)):
        driving = step(driving, 0.0, throttle)
    assert 4.0 < driving.speed_mps / MPS_PER_MPH < 5.0
