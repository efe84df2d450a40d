"""Tests of the bridge, seen by a simulator, while inference is slow, wrong or stopped."""

import time

import httpx
import pytest
from support.services import answering
from support.services.answering import Answers
from support.services.driving import JPEG, bridge, drive, patient_bridge, unity

from simulator.unity.client import UnityClient

pytestmark = pytest.mark.usefixtures("healthy")


@pytest.mark.parametrize(("status", "body"), [(503, b'{"error": "no model"}'), (200, b"rubbish")])
def test_a_telemetry_is_answered_when_inference_fails(
    simulator: UnityClient, inference: Answers, status: int, body: bytes
) -> None:
    drive(simulator)
    inference.status, inference.body = status, body
    simulator.send_telemetry(0.0, 0.0, 9.0, JPEG)
    command = simulator.command()
    assert command is not None
    # The steering before is held for half a second. On a machine that took longer the car brakes.
    assert command.steering == 0.25 or (command.steering == 0.0 and command.throttle < -0.03)


def test_an_answer_that_is_late_is_not_used(inference: Answers) -> None:
    """Inference answers only when the bridge has given up."""
    with bridge(inference.url, LAPWING_INFERENCE_TIMEOUT_MS="50") as port, unity(port) as client:
        inference.gate.clear()
        inference.body = b'{"steering": 1}'
        for _ in range(2):
            assert drive(client) == 0.0
        inference.gate.set()


def test_the_car_is_stopped_after_half_a_second(simulator: UnityClient, inference: Answers) -> None:
    drive(simulator)
    inference.status = 503
    time.sleep(0.6)
    simulator.send_telemetry(0.0, 0.0, 9.0, JPEG)
    command = simulator.command()
    assert command is not None
    assert command.steering == 0.0
    assert -1 <= command.throttle < -0.03


def test_a_restarted_inference_is_used_at_once() -> None:
    with answering.inference() as answers:
        url = answers.url
    with patient_bridge(url) as port, unity(port) as client:
        client.send_telemetry(0.0, 0.0, 0.0, JPEG)
        assert client.command() is not None
        with answering.inference(int(url.rsplit(":", 1)[1])):
            assert drive(client) == 0.25


def test_a_slow_inference_does_not_delay_pages(port: int, inference: Answers) -> None:
    """The page is answered while the bridge waits for inference, which waits for this test."""
    with unity(port) as client:
        inference.gate.clear()
        inference.frames.clear()
        client.send_telemetry(0.0, 0.0, 9.0, JPEG)
        while not inference.frames:
            time.sleep(0.001)
        assert httpx.get(f"http://127.0.0.1:{port}/healthz", timeout=60).status_code == 200
        inference.gate.set()
        command = client.command()
        assert command is not None
        assert command.steering == 0.25


def test_two_simulators_wait_for_a_slow_inference_at_the_same_time(
    port: int, inference: Answers
) -> None:
    with unity(port) as one, unity(port) as other:
        inference.gate.clear()
        inference.frames.clear()
        one.send_telemetry(0.0, 0.0, 9.0, JPEG)
        other.send_telemetry(0.0, 0.0, 9.0, JPEG)
        while len(inference.frames) < 2:
            time.sleep(0.001)
        inference.gate.set()
        for client in (one, other):
            command = client.command()
            assert command is not None
            assert command.steering == 0.25
