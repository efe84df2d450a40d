"""A session on threads of the system: the same code as on the bridge's greenlets."""

import threading
import time
from collections.abc import Iterator

import pytest

from contract.errors import ServiceError
from driver_bridge.connection.mailbox import MOST_UNANSWERED, PROBE_S
from driver_bridge.connection.session import Said, Session
from driver_bridge.control.driver import Driver

TELEMETRY = {"steering_angle": "0.0000", "throttle": "0.0000", "speed": "9.0000", "image": "/9j/"}


class Predictor:
    """Answers when it is let, or raises what it is given."""

    def __init__(self) -> None:
        self.gate = threading.Event()
        self.gate.set()
        self.error: Exception | None = None
        self.asked = 0

    def steering(self, jpeg: bytes) -> float:
        self.asked += 1
        assert self.gate.wait(5)
        if self.error is not None:
            raise self.error
        return 0.25


class Running:
    """A session whose answering thread runs."""

    def __init__(self, predictor: Predictor) -> None:
        self.said: list[Said] = []
        self.emitted: list[tuple[str, dict[str, str]]] = []
        self.session = Session(
            "1",
            Driver(predictor, 15.0, time.monotonic),
            threading.Event,
            lambda event, payload: self.emitted.append((event, payload)),
            self.said.append,
            time.monotonic,
        )
        self.thread = threading.Thread(target=self.session.run)
        self.thread.start()

    def await_said(self, count: int) -> None:
        deadline = time.monotonic() + 5
        while len(self.said) < count:
            assert time.monotonic() < deadline, f"{len(self.said)} answers"
            time.sleep(0.001)


@pytest.fixture
def predictor() -> Predictor:
    return Predictor()


@pytest.fixture
def running(predictor: Predictor) -> Iterator[Running]:
    one = Running(predictor)
    yield one
    predictor.gate.set()
    one.session.close()
    one.thread.join(5)
    assert not one.thread.is_alive()


def test_two_that_come_together_have_one_answer_at_once(running: Running) -> None:
    began = time.monotonic()
    running.session.receive(TELEMETRY)
    running.session.receive(TELEMETRY)
    running.await_said(1)
    assert time.monotonic() - began < PROBE_S
    assert running.said[0].folded == 1
    time.sleep(0.15)
    assert len(running.emitted) == 1


def test_a_lone_one_is_held_and_answered(running: Running, slack: float) -> None:
    running.session.receive(TELEMETRY)
    running.await_said(1)
    assert PROBE_S <= running.said[0].seconds < slack * 0.25
    assert (running.said[0].folded, running.emitted[0][0]) == (0, "steer")


def test_the_time_of_holding_is_no_time_of_waiting_for_inference(
    running: Running, predictor: Predictor
) -> None:
    """What is held was predicted already: both times run together."""
    predictor.gate.clear()
    running.session.receive(TELEMETRY)
    time.sleep(0.08)
    predictor.gate.set()
    running.await_said(1)
    assert running.said[0].seconds < 0.15


def test_a_flood_costs_one_prediction_at_a_time_and_waits_at_its_own_door(
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
    time.sleep(0.2)
    assert len(received) == MOST_UNANSWERED
    assert predictor.asked == 1
    predictor.gate.set()
    thread.join(5)
    assert len(received) == 40
    deadline = time.monotonic() + 5
    while sum(each.folded + 1 for each in running.said) < 40:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert predictor.asked == len(running.said) < 40


def test_a_fault_of_ours_is_answered_with_the_brakes_and_the_drive_goes_on(
    running: Running, predictor: Predictor, caplog: pytest.LogCaptureFixture
) -> None:
    predictor.error = RuntimeError("a bug")
    running.session.receive(TELEMETRY)
    running.await_said(1)
    assert running.emitted[0][1] == {"steering_angle": "0.000000", "throttle": "-1.000000"}
    assert "an answer failed" in caplog.text
    predictor.error = ServiceError("gone")
    running.session.receive(TELEMETRY)
    running.await_said(2)
    predictor.error = None
    running.session.receive(TELEMETRY)
    running.await_said(3)
    assert running.said[2].answer.how == "model"


def test_who_left_is_not_answered(running: Running, predictor: Predictor) -> None:
    predictor.gate.clear()
    running.session.receive(TELEMETRY)
    while not predictor.asked:
        time.sleep(0.001)
    running.session.close()
    predictor.gate.set()
    running.thread.join(5)
    assert running.emitted == []


def test_a_flooding_client_that_leaves_leaves_its_door(
    running: Running, predictor: Predictor
) -> None:
    predictor.gate.clear()
    thread = threading.Thread(
        target=lambda: [running.session.receive(TELEMETRY) for _ in range(MOST_UNANSWERED + 1)]
    )
    thread.start()
    time.sleep(0.05)
    assert thread.is_alive()
    running.session.close()
    thread.join(5)
    assert not thread.is_alive()
