import base64

import pytest
from support.data import samples
from support.data.mono_cultures import CULTURES

from contract.errors import ServiceError
from contract.policy.answer import PolicyAnswer
from driver_bridge.control.driver import Answer, Driver

JPEG = samples.jpeg()
TELEMETRY = {
    "steering_angle": "0.0000",
    "throttle": "0.0000",
    "speed": "9.0000",
    "image": base64.b64encode(JPEG).decode(),
}


class Predictor:
    """Predicts the answer that a test sets, or fails where its steering is None."""

    def __init__(self) -> None:
        self.steering: float | None = 0.25
        self.speed_mph: float | None = None

    def predict(self, jpeg: bytes) -> PolicyAnswer:
        assert jpeg == JPEG
        if self.steering is None:
            raise ServiceError("inference does not answer")
        return PolicyAnswer(self.steering, self.speed_mph)


class Clock:
    """A clock that a test sets."""

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
    return Driver(predictor, 15.0, clock)


def ask(driver: Driver, payload: object = TELEMETRY, ago_s: float = 0.0) -> Answer:
    """Let the driver answer a telemetry that arrived `ago_s` seconds ago."""
    answer = driver.answer(payload, driver._clock() - ago_s)
    driver.record_age(answer)
    return answer


def test_a_telemetry_is_answered_with_the_steering_of_the_model(driver: Driver) -> None:
    answer = ask(driver)
    assert (answer.event, answer.how, answer.steering) == ("steer", "model", 0.25)
    assert answer.payload["steering_angle"] == "0.250000"
    assert float(answer.payload["throttle"]) == pytest.approx(answer.throttle, abs=1e-6)
    assert answer.throttle > 0
    assert answer.telemetry is not None
    assert answer.telemetry.jpeg == JPEG


@pytest.mark.parametrize("payload", [None, {}, []])
def test_a_telemetry_of_manual_driving_is_answered_with_manual(
    driver: Driver, payload: object
) -> None:
    answer = ask(driver, payload)
    assert (answer.event, answer.payload, answer.how) == ("manual", {}, "manual")


def test_the_answer_uses_the_decimal_mark_of_the_simulator(driver: Driver) -> None:
    german = {"steering_angle": "0,0000", "throttle": "0,0000", "speed": "9,0000"}
    assert ask(driver, {**TELEMETRY, **german}).payload["steering_angle"] == "0,250000"


@pytest.mark.parametrize("name", CULTURES)
def test_the_answer_is_read_as_the_same_number_in_each_culture(
    driver: Driver, predictor: Predictor, name: str
) -> None:
    """The expected text is one that mono reads as -0.1234 in this culture."""
    culture, predictor.steering = CULTURES[name], -0.1234
    moving = {"steering_angle": culture.written[-12.5], "speed": culture.written[0.0]}
    answer = ask(driver, {**TELEMETRY, **moving, "throttle": culture.written[0.0]})
    assert (answer.payload["steering_angle"], answer.how) == (culture.answers[0], "model")
    assert culture.read[culture.answers[0]] == -0.1234
    assert answer.telemetry is not None
    assert answer.telemetry.steering == -0.5


def test_a_simulator_that_reads_no_minus_is_not_driven_until_it_shows_its_own(
    driver: Driver, predictor: Predictor, caplog: pytest.LogCaptureFixture
) -> None:
    """A Persian culture of the CLDR: .NET reads only the minus with its mark of direction."""
    predictor.steering = -0.25
    arabic = {"steering_angle": "0\u066b0000", "throttle": "0\u066b0000", "speed": "9\u066b0000"}
    for _ in range(5):
        answer = ask(driver, {**TELEMETRY, **arabic})
        assert answer.payload == {"steering_angle": "0\u066b000000", "throttle": "0\u066b000000"}
        assert (answer.how, answer.steering, answer.throttle) == ("stopped", 0.0, 0.0)
        assert answer.why == "the simulator has not shown which minus it reads"
    assert [record.getMessage() for record in caplog.records] == [
        "simulator 1: the car is not driven: its numbers have the decimal mark U+066B, and no "
        "negative one has shown which minus it reads; start the simulator in another locale, such "
        "as en-US"
    ]
    arabic["steering_angle"] = "\u200e\u22121\u066b0000"
    answer = ask(driver, {**TELEMETRY, **arabic})
    assert answer.payload["steering_angle"] == "\u200e\u22120\u066b250000"
    assert answer.how == "model"


@pytest.mark.parametrize(
    "payload",
    [
        "text",
        5,
        ["list"],
        {"speed": "9.0000"},
        {**TELEMETRY, "image": "?"},
        {**TELEMETRY, "speed": None},
        {**TELEMETRY, "speed": 10**400},
    ],
)
def test_a_malformed_telemetry_is_answered(driver: Driver, payload: object) -> None:
    answer = ask(driver, payload)
    assert (answer.event, answer.how) == ("steer", "stopped")
    # A speed that is not a number is unknown, and is braked; 9 mph is known and braked less.
    assert answer.payload["steering_angle"] in ("0", "0.000000")  # with or without a known mark
    assert -0.05 <= answer.throttle < -0.03


def test_a_car_of_unknown_speed_is_braked_for_two_seconds(driver: Driver, clock: Clock) -> None:
    throttles = []
    for _ in range(64):
        throttles.append(ask(driver, {**TELEMETRY, "speed": "?"}).throttle)
        clock.now += 1 / 16
    assert throttles == [-0.05] * 32 + [0.0] * 32
    ask(driver)
    clock.now += 1.0
    assert ask(driver, "text").throttle == -0.05  # It was known since, and is unknown again.


def test_one_telemetry_that_cannot_be_read_holds_the_throttle_but_no_brake(
    driver: Driver, clock: Clock
) -> None:
    pulled = ask(driver).throttle
    clock.now += 0.1
    assert ask(driver, "text").throttle == pulled > 0
    for _ in range(5):
        braked = ask(driver, {**TELEMETRY, "speed": "29.0000"}).throttle
    assert braked < 0
    assert ask(driver, "text").throttle == 0.0


@pytest.mark.parametrize("spoilt", [{"image": "?"}, {"image": None}, {"throttle": "?"}])
@pytest.mark.parametrize("speed", ["0.0000", "4.9000"])
def test_a_slow_car_whose_image_cannot_be_read_is_never_told_to_brake(
    driver: Driver, clock: Clock, spoilt: dict[str, object], speed: str
) -> None:
    """Below 5 mph a negative throttle is the reverse gear."""
    ask(driver)
    for _ in range(60):
        clock.now += 1 / 15
        answer = ask(driver, {**TELEMETRY, "speed": speed, **spoilt})
        assert answer.throttle >= 0
    assert (answer.how, answer.steering) == ("stopped", 0.0)


def test_a_slow_car_without_inference_is_never_told_to_brake(
    driver: Driver, predictor: Predictor, clock: Clock
) -> None:
    predictor.steering = None
    for _ in range(60):
        clock.now += 1 / 15
        assert ask(driver, {**TELEMETRY, "speed": "5.0000"}).payload["throttle"] == "0.000000"


def test_a_car_that_rolls_back_without_inference_is_held_with_a_little_throttle(
    driver: Driver, predictor: Predictor, clock: Clock
) -> None:
    predictor.steering = None
    for speed_mph in [0.4, 0.25, 0.1, 0.05, 0.2, 0.35, 0.5, 0.65]:
        clock.now += 1 / 15
        throttle = ask(driver, {**TELEMETRY, "speed": f"{speed_mph:.4f}"}).throttle
    assert 0.1 < throttle < 0.5


def test_without_inference_the_last_steering_is_held_and_then_the_car_is_stopped(
    driver: Driver, predictor: Predictor, clock: Clock
) -> None:
    ask(driver)
    predictor.steering = None
    clock.now += 0.4
    assert ask(driver).payload["steering_angle"] == "0.250000"
    assert ask(driver).how == "held"
    clock.now += 0.2
    answer = ask(driver)
    assert answer.how == "stopped"
    # (9 - 5) mph in 0.25 s are 7.15 m/s², 1.357 of the engine's 5.27, and a 40th of the brakes.
    assert answer.payload == {"steering_angle": "0.000000", "throttle": "-0.033931"}


def test_the_car_drives_on_when_inference_answers_again(
    driver: Driver, predictor: Predictor, clock: Clock
) -> None:
    predictor.steering = None
    assert ask(driver).how == "stopped"
    predictor.steering = -0.5
    answer = ask(driver)
    assert (answer.payload["steering_angle"], answer.how) == ("-0.500000", "model")


def test_no_steering_from_before_manual_driving_is_held(
    driver: Driver, predictor: Predictor
) -> None:
    ask(driver)
    ask(driver, None)
    predictor.steering = None
    assert ask(driver).how == "stopped"


def test_stop_brakes_and_uses_the_decimal_mark_of_the_simulator(driver: Driver) -> None:
    ask(driver, {**TELEMETRY, "steering_angle": "0,0000", "throttle": "0,0000", "speed": "9,0000"})
    answer = driver.stop()
    assert answer.payload == {"steering_angle": "0,000000", "throttle": "-0,033931"}


def test_a_failure_and_its_end_are_logged_once(
    driver: Driver, predictor: Predictor, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    predictor.steering = None
    for _ in range(5):
        ask(driver)
    predictor.steering = 0.1
    for _ in range(5):
        ask(driver)
    assert [record.getMessage() for record in caplog.records] == [
        "simulator 1: no steering: inference does not answer.",
        "simulator 1: steering is known again",
    ]


def test_a_frame_age_lasts_from_the_arrival_of_the_frame_to_the_answer(
    driver: Driver, predictor: Predictor, clock: Clock
) -> None:
    ask(driver, ago_s=0.05)
    assert driver.ages.quantiles()[0.5] == pytest.approx(0.05)
    predictor.steering = None
    clock.now += 0.3
    ask(driver)  # the steering of the last frame is held
    assert driver.ages.quantiles()[0.99] == pytest.approx(0.35)
    clock.now += 0.3
    assert ask(driver).how == "stopped"  # the answer belongs to no frame
    assert len(driver.ages._ages) == 2


def test_old_frames_lower_the_target_speed_and_fresh_ones_restore_it(
    predictor: Predictor, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    driver = Driver(predictor, 25.0, clock)
    for _ in range(30):
        clock.now += 0.2
        ask(driver, ago_s=0.19)
    assert driver.target_mph == pytest.approx(1.5 / 0.19 / 0.44704, rel=0.01)
    for _ in range(30):
        clock.now += 0.1
        ask(driver, ago_s=0.005)
    assert driver.target_mph == 25.0
    messages = [record.getMessage() for record in caplog.records]
    assert len(messages) == 2
    assert "frames are 190 ms old: target speed lowered to 17.7 mph" in messages[0]
    assert "frames are fresh again: target speed 25.0 mph" in messages[1]


def test_bends_lower_the_target_speed_where_corner_g_is_set(
    predictor: Predictor, clock: Clock
) -> None:
    predictor.steering = 0.6
    free, careful = Driver(predictor, 25.0, clock), Driver(predictor, 25.0, clock, corner_g=0.3)
    for driver in (free, careful):
        ask(driver)
    assert free.target_mph == 25.0
    assert 5 < careful.target_mph < 15
    predictor.steering = 0.0
    ask(careful)
    assert careful.target_mph == 25.0
