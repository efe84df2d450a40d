"""Tests of a session on system threads, with the same code that runs on the bridge's greenlets."""

import threading
import time
from collections.abc import Iterator

import pytest

from contract.errors import ServiceError
from contract.policy.answer import PolicyAnswer
from driver_bridge.connection.mailbox import MAX_UNANSWERED, PROBE_S
from driver_bridge.connection.session import SentAnswer, Session
from driver_bridge.control.driver import Driver

TELEMETRY = {"steering_angle": "0.0000", "throttle": "0.0000", "speed": "9.0000", "image": "/9j/"}


class Predictor:
    """Predicts once its gate is open, or raises the error that a test sets."""

    def __init__(self) -> None:
        self.gate = threading.Event()
        self.gate.set()
        self.error: Exception | None = None
        self.calls = 0

    def predict(self, jpeg: bytes) -> PolicyAnswer:
        self.calls += 1
        assert self.gate.wait(60)
        if self.error is not None:
            raise self.error
        return PolicyAnswer(0.25)


class Event(threading.Event):
    """An event that remembers for how long it was waited for."""

    def __init__(self) -> None:
        super().__init__()
        self.limits_s: list[float] = []

    def wait(self, timeout: float | None = None) -> bool:
        if timeout is not None:
            self.limits_s.append(timeout)
        return super().wait(timeout)


class Running:
    """A session and the thread that runs it."""

    def __init__(self, predictor: Predictor) -> None:
        self.sent: list[SentAnswer] = []
        self.fault: Exception | None = None
        self.hung_up = threading.Event()
        self.emitted: list[tuple[str, dict[str, str]]] = []
        self.events: list[Event] = []
        self.session = Session(
            "1",
            Driver(predictor, 15.0, time.monotonic),
            self.make_event,
            lambda event, payload: self.emitted.append((event, payload)),
            self.on_sent,
            self.hung_up.set,
            time.monotonic,
        )
        self.thread = threading.Thread(target=self.session.run)
        self.thread.start()

    def make_event(self) -> Event:
        self.events.append(Event())
        return self.events[-1]

    def holds_s(self) -> list[float]:
        """Return for how long answers were held, if nothing arrived meanwhile."""
        return [limit_s for event in self.events for limit_s in event.limits_s]

    def on_sent(self, sent: SentAnswer) -> None:
        if self.fault is not None:
            raise self.fault
        self.sent.append(sent)

    def await_sent(self, count: int) -> None:
        deadline = time.monotonic() + 60
        while len(self.sent) < count:
            assert time.monotonic() < deadline, f"{len(self.sent)} answers"
            time.sleep(0.001)


@pytest.fixture
def predictor() -> Predictor:
    return Predictor()


@pytest.fixture
def running(predictor: Predictor) -> Iterator[Running]:
    running = Running(predictor)
    yield running
    predictor.gate.set()
    running.session.close()
    running.thread.join(60)
    assert not running.thread.is_alive()


def test_two_telemetries_that_arrive_together_get_one_answer_at_once(
    running: Running, predictor: Predictor
) -> None:
    predictor.gate.clear()
    running.session.receive(TELEMETRY)
    running.session.receive(TELEMETRY)
    predictor.gate.set()
    running.await_sent(1)
    assert running.holds_s() == []
    assert running.sent[0].folded == 1
    time.sleep(0.15)
    assert len(running.emitted) == 1


def test_a_lone_telemetry_is_held_and_answered(running: Running, slack: float) -> None:
    running.session.receive(TELEMETRY)
    running.await_sent(1)
    assert PROBE_S <= running.sent[0].seconds < slack * 0.25
    assert (running.sent[0].folded, running.emitted[0][0]) == (0, "steer")


def test_an_answer_is_held_while_inference_predicts(running: Running, predictor: Predictor) -> None:
    """The time of the prediction and the time of holding run together."""
    predictor.gate.clear()
    running.session.receive(TELEMETRY)
    time.sleep(0.08)
    predictor.gate.set()
    running.await_sent(1)
    assert all(hold_s < PROBE_S - 0.079 for hold_s in running.holds_s())


def test_a_flood_gets_one_prediction_at_a_time_and_is_not_read_further(
    running: Running, predictor: Predictor
) -> None:
    predictor.gate.clear()
    received = []

    def flood() -> None:
        for number in range(40):
            running.session.receive(TELEMETRY)
            received.append(number)

    thread = threading.Thread(target=flood)
    thread.start()
    deadline = time.monotonic() + 60
    while len(received) < MAX_UNANSWERED or not predictor.calls:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    time.sleep(0.1)
    assert len(received) == MAX_UNANSWERED
    assert predictor.calls == 1
    predictor.gate.set()
    thread.join(60)
    assert len(received) == 40
    deadline = time.monotonic() + 60
    while sum(sent.folded + 1 for sent in running.sent) < 40:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert predictor.calls == len(running.sent) < 40


def test_an_internal_error_is_answered_with_the_brakes_and_the_drive_goes_on(
    running: Running, predictor: Predictor, caplog: pytest.LogCaptureFixture
) -> None:
    predictor.error = RuntimeError("a bug")
    running.session.receive(TELEMETRY)
    running.await_sent(1)
    assert running.emitted[0][1]["steering_angle"] == "0.000000"
    assert -1 <= float(running.emitted[0][1]["throttle"]) < -0.03  # The car drives at 9 mph.
    assert "an answer failed" in caplog.text
    predictor.error = ServiceError("inference does not answer")
    running.session.receive(TELEMETRY)
    running.await_sent(2)
    predictor.error = None
    running.session.receive(TELEMETRY)
    running.await_sent(3)
    assert running.sent[2].answer.how == "model"


def test_a_simulator_that_has_disconnected_is_not_answered(
    running: Running, predictor: Predictor
) -> None:
    predictor.gate.clear()
    running.session.receive(TELEMETRY)
    while not predictor.calls:
        time.sleep(0.001)
    running.session.close()
    predictor.gate.set()
    running.thread.join(60)
    assert running.emitted == []


def test_a_flooding_client_that_disconnects_does_not_wait_any_more(
    running: Running, predictor: Predictor
) -> None:
    predictor.gate.clear()
    thread = threading.Thread(
        target=lambda: [running.session.receive(TELEMETRY) for _ in range(MAX_UNANSWERED + 1)]
    )
    thread.start()
    time.sleep(0.05)
    assert thread.is_alive()
    running.session.close()
    thread.join(60)
    assert not thread.is_alive()


def test_a_session_that_cannot_go_on_disconnects_its_simulator(
    running: Running, caplog: pytest.LogCaptureFixture
) -> None:
    """The simulator connects again. Nobody would answer it otherwise."""
    running.session.receive(TELEMETRY)
    running.await_sent(1)
    assert not running.hung_up.is_set()
    running.fault = RuntimeError("a bug")
    running.session.receive(TELEMETRY)
    assert running.hung_up.wait(60)
    assert "the session of simulator 1 failed: it is disconnected" in caplog.text
    assert "RuntimeError: a bug" in caplog.text
