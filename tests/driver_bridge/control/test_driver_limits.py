"""The driver at its limits: before the first answer, at the end of each period, what it says."""

from __future__ import annotations

import base64
import math

import pytest
from support.data import samples

from contract.errors import ServiceError
from contract.policy.answer import PolicyAnswer, SpeedRange
from driver_bridge.control.driver import Answer, Driver

TELEMETRY = {
    "steering_angle": "0.0000",
    "throttle": "0.0000",
    "speed": "9.0000",
    "image": base64.b64encode(samples.jpeg()).decode(),
}


class Pilot:
    """Predicts a steering that a test sets, or raises an error that it sets."""

    def __init__(self) -> None:
        self.error: Exception | None = None
        self.steering = 0.25
        self.speed_mph: float | None = None

    def predict(self, jpeg: bytes) -> PolicyAnswer:
        if self.error is not None:
            raise self.error
        return PolicyAnswer(self.steering, self.speed_mph)


class Time:
    """A clock in sixteenths of a second, which have no rounding error."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def pilot() -> Pilot:
    return Pilot()


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def driver(pilot: Pilot, time: Time) -> Driver:
    return Driver(pilot, 15.0, time)


def ask(driver: Driver, time: Time, payload: object = TELEMETRY, ago_s: float = 0.0) -> Answer:
    answer = driver.answer(payload, time.now - ago_s)
    driver.record_age(answer)
    return answer


def test_the_answer_to_a_person_who_drives_steers_nothing(driver: Driver, time: Time) -> None:
    answer = ask(driver, time, None)
    assert (answer.steering, answer.throttle, answer.telemetry, answer.why) == (0.0, 0.0, None, "")
    assert math.isnan(answer.frame_at_s)
    assert driver.ages.quantiles() == {}


def test_a_car_of_which_nothing_is_known_is_braked_straight_on(driver: Driver, time: Time) -> None:
    """Nothing has been answered yet, so nothing can be held."""
    answer = driver.stop()
    assert (answer.how, answer.steering, answer.throttle) == ("stopped", 0.0, -0.05)
    first = ask(driver, time, "text")
    assert (first.how, first.steering, first.throttle) == ("stopped", 0.0, -0.05)


def test_no_bend_is_assumed_before_the_first_steering(pilot: Pilot, time: Time) -> None:
    careful = Driver(pilot, 15.0, time, corner_g=0.3)
    pilot.error = ServiceError("inference does not answer")
    ask(careful, time)
    assert careful.target_mph == 15.0


@pytest.mark.parametrize(
    ("error", "why"),
    [
        (ServiceError("inference does not answer"), "inference does not answer"),
        (ConnectionResetError(104, "Connection reset by peer"), "[Errno 104] Connection reset"),
        (TimeoutError("timed out"), "timed out"),
    ],
)
def test_every_failure_of_inference_is_held_over_and_told(
    driver: Driver, pilot: Pilot, time: Time, error: Exception, why: str
) -> None:
    assert ask(driver, time).why == ""
    pilot.error = error
    held = ask(driver, time)
    assert (held.how, held.steering) == ("held", 0.25)
    assert held.why.startswith(why)
    time.now += 1.0
    stopped = ask(driver, time)
    assert (stopped.how, stopped.steering) == ("stopped", 0.0)
    assert stopped.why.startswith(why)
    pilot.error = None
    assert ask(driver, time).why == ""


def test_each_new_reason_is_logged(
    driver: Driver, pilot: Pilot, time: Time, caplog: pytest.LogCaptureFixture
) -> None:
    for error in (TimeoutError("timed out"), TimeoutError("timed out"), OSError("no route")):
        pilot.error = error
        ask(driver, time)
    assert [record.getMessage() for record in caplog.records] == [
        "simulator 1: no steering: timed out",
        "simulator 1: no steering: no route",
    ]


def test_a_steering_is_held_for_half_a_second_and_no_longer(
    driver: Driver, pilot: Pilot, time: Time
) -> None:
    ask(driver, time)
    pilot.error = ServiceError("inference does not answer")
    time.now += 0.5
    assert ask(driver, time).how == "held"
    time.now += 1 / 16
    assert ask(driver, time).how == "stopped"


def test_a_throttle_is_held_for_half_a_second_and_no_longer(driver: Driver, time: Time) -> None:
    pulled = ask(driver, time).throttle
    assert pulled > 0
    time.now += 0.5
    assert ask(driver, time, "text").throttle == pulled
    time.now += 1 / 16
    assert ask(driver, time, "text").throttle == -0.05


def test_a_limit_by_age_is_told_when_it_begins_and_lifted_a_tenth_above_the_speed(
    pilot: Pilot, time: Time, caplog: pytest.LogCaptureFixture
) -> None:
    """At the age a, the car may drive 1.5 m / a; 15 mph are 6.7 m/s, which is an age of 0.2237 s.

    In between, at 5 % above the speed that is asked for, nothing is told, so the log does not
    flicker.
    """
    caplog.set_level("INFO")

    def drive(driver: Driver, limit_mph: float) -> None:
        for _ in range(40):
            time.now += 0.25
            ask(driver, time, ago_s=1.5 / (limit_mph * 0.44704))

    driver = Driver(pilot, 15.0, time)
    drive(driver, 15.75)
    assert not caplog.records
    assert driver.target_mph == 15.0
    drive(driver, 14.0)
    assert driver.target_mph == pytest.approx(14.0)
    drive(driver, 15.75)
    assert driver.target_mph == 15.0
    assert len(caplog.records) == 1
    assert "target speed lowered to" in caplog.text
    drive(driver, 16.75)
    assert len(caplog.records) == 2
    assert "frames are fresh again: target speed 15.0 mph" in caplog.text
    drive(driver, 15.75)
    assert len(caplog.records) == 2


def test_a_learned_speed_is_held_within_its_range(pilot: Pilot, time: Time) -> None:
    driver = Driver(pilot, 15.0, time, speeds=SpeedRange(8.0, 25.0))
    held = []
    for speed_mph in (20.0, 29.0, 3.0, 11.5):
        pilot.speed_mph = speed_mph
        ask(driver, time)
        held.append(driver.target_mph)
    assert held == [20.0, 25.0, 8.0, 11.5]


def test_a_version_without_a_learned_speed_is_driven_at_the_target(
    pilot: Pilot, time: Time
) -> None:
    """The target may be outside the range of learned speeds, which says nothing about it."""
    driver = Driver(pilot, 15.0, time, speeds=SpeedRange(20.0, 25.0))
    pilot.speed_mph = 22.0
    ask(driver, time)
    assert driver.target_mph == 22.0
    pilot.speed_mph = None
    ask(driver, time)
    assert driver.target_mph == 15.0


@pytest.mark.parametrize(
    ("learned_mph", "held_mph"),
    [
        pytest.param(28.0, 15.0, id="a straight: the target is slower"),
        pytest.param(9.0, 9.0, id="a bend: it is still there"),
    ],
)
def test_a_held_answer_is_no_faster_than_the_target(
    pilot: Pilot, time: Time, learned_mph: float, held_mph: float
) -> None:
    driver = Driver(pilot, 15.0, time)
    pilot.speed_mph = learned_mph
    assert ask(driver, time).how == "model"
    assert driver.target_mph == learned_mph
    pilot.error = ServiceError("inference does not answer")
    time.now += 0.25
    assert ask(driver, time).how == "held"
    assert driver.target_mph == held_mph
    pilot.error = None
    ask(driver, time)
    assert driver.target_mph == learned_mph


def test_bends_and_old_frames_limit_a_learned_speed_too(pilot: Pilot, time: Time) -> None:
    driver = Driver(pilot, 15.0, time, corner_g=0.3)
    pilot.steering, pilot.speed_mph = 0.6, 28.0
    ask(driver, time)
    # R = 2.87 m / tan(15 degrees) = 10.7 m, and sqrt(0.3 g R) = 5.6 m/s = 12.6 mph.
    assert driver.target_mph == pytest.approx(12.6, abs=0.1)
    pilot.steering = 0.0
    for _ in range(40):
        time.now += 0.25
        ask(driver, time, ago_s=0.1875)
    # 1.5 m in 0.1875 s are 8 m/s.
    assert driver.target_mph == pytest.approx(8 / 0.44704, rel=0.01)


def test_a_learned_speed_that_changes_does_not_fill_the_log(
    pilot: Pilot, time: Time, caplog: pytest.LogCaptureFixture
) -> None:
    """Frames that are too old for the straights are so in the bends as well: one line says it."""
    caplog.set_level("INFO")
    driver = Driver(pilot, 15.0, time)
    for number in range(80):
        time.now += 0.25
        pilot.speed_mph = 28.0 if number % 8 < 4 else 12.0
        ask(driver, time, ago_s=0.1875)
    assert len(caplog.records) == 1
    assert "are 188 ms old" in caplog.text
