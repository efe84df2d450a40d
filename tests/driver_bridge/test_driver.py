import base64

import pytest
import samples

from contract.errors import ServiceError
from driver_bridge.driver import Driver

JPEG = samples.jpeg()
TELEMETRY = {
    "steering_angle": "0.0000", "throttle": "0.0000", "speed": "9.0000",
    "image": base64.b64encode(JPEG).decode(),
}  # fmt: skip


class Predictor:
    """Answers what it is told to, or fails."""

    def __init__(self) -> None:
        self.answer: float | None = 0.25

    def steering(self, jpeg: bytes) -> float:
        assert jpeg == JPEG
        if self.answer is None:
            raise ServiceError("inference is gone")
        return self.answer


class Clock:
    """Time that goes when it is told to."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def predictor() -> Predictor:
    return Predictor()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def driver(predictor: Predictor, clock: Clock) -> Driver:
    return Driver(predictor, 15.0, lambda jpeg: None, clock)


def test_a_telemetry_is_answered_with_the_models_steering(driver: Driver) -> None:
    event, answer, how = driver.answer(TELEMETRY)
    assert (event, answer["steering_angle"], how) == ("steer", "0.250000", "model")
    assert float(answer["throttle"]) > 0


@pytest.mark.parametrize("payload", [None, {}, []])
def test_a_human_at_the_wheel_is_left_alone(driver: Driver, payload: object) -> None:
    assert driver.answer(payload) == ("manual", {}, "manual")


def test_the_answer_has_the_simulators_decimal_mark(driver: Driver) -> None:
    german = {"steering_angle": "0,0000", "throttle": "0,0000", "speed": "9,0000"}
    answer = driver.answer({**TELEMETRY, **german})[1]
    assert answer["steering_angle"] == "0,250000"


@pytest.mark.parametrize(
    "payload", ["text", 5, ["list"], {"speed": "9.0000"}, {**TELEMETRY, "image": "?"},
                {**TELEMETRY, "speed": None}],
)  # fmt: skip
def test_rubbish_is_answered_too(driver: Driver, payload: object) -> None:
    event, answer, how = driver.answer(payload)
    assert (event, how) == ("steer", "stopped")
    assert answer == {"steering_angle": "0.000000", "throttle": "0.000000"}


def test_without_inference_the_last_steering_is_held_and_then_the_car_stopped(
    driver: Driver, predictor: Predictor, clock: Clock
) -> None:
    driver.answer(TELEMETRY)
    predictor.answer = None
    clock.now += 0.4
    assert driver.answer(TELEMETRY)[1]["steering_angle"] == "0.250000"
    assert driver.answer(TELEMETRY)[2] == "held"
    clock.now += 0.2
    _, answer, how = driver.answer(TELEMETRY)
    assert (answer, how) == ({"steering_angle": "0.000000", "throttle": "-1.000000"}, "stopped")


def test_when_inference_is_back_the_car_drives_on(
    driver: Driver, predictor: Predictor, clock: Clock
) -> None:
    predictor.answer = None
    assert driver.answer(TELEMETRY)[2] == "stopped"
    predictor.answer = -0.5
    _, answer, how = driver.answer(TELEMETRY)
    assert (answer["steering_angle"], how) == ("-0.500000", "model")


def test_after_a_human_no_old_steering_is_held(driver: Driver, predictor: Predictor) -> None:
    driver.answer(TELEMETRY)
    driver.answer(None)
    predictor.answer = None
    assert driver.answer(TELEMETRY)[2] == "stopped"


def test_a_frame_that_cannot_be_kept_does_not_stop_the_answers(predictor: Predictor) -> None:
    def full(jpeg: bytes) -> None:
        raise OSError(28, "No space left on device")

    driver = Driver(predictor, 15.0, full, Clock())
    assert driver.answer(TELEMETRY)[0] == "steer"
