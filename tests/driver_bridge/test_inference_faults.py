"""Tests of the bridge, seen by a simulator, while inference is slow, wrong or stopped."""

import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from support.services import answering
from support.services.answering import Answers
from support.services.driving import JPEG, bridge, drive, unity

from simulator.unity.client import UnityClient

pytestmark = pytest.mark.usefixtures("healthy")


@pytest.mark.parametrize(
    ("status", "body", "delay_s"),
    [(503, b'{"error": "no model"}', 0.0), (200, b"rubbish", 0.0), (200, b'{"steering": 1}', 0.6)],
)
def test_a_telemetry_is_answered_when_inference_fails(
    simulator: UnityClient, inference: Answers, status: int, body: bytes, delay_s: float
) -> None:
    drive(simulator)
    inference.status, inference.body, inference.delay_s = status, body, delay_s
    assert drive(simulator) == 0.25  # the steering before is held, and the late answer is not used


def test_the_car_is_stopped_after_half_a_second(simulator: UnityClient, inference: Answers) -> None:
    drive(simulator)
    inference.status = 503
    time.sleep(0.6)
    simulator.send_telemetry(0.0, 0.0, 9.0, JPEG)
    command = simulator.command()
    assert command is not None
    assert command.steering == 0.0
    assert -1 <= command.throttle < -0.03


def test_a_restarted_inference_is_used_at_once(tmp_path: Path) -> None:
    with answering.inference() as answers:
        url = answers.url
    with bridge(url) as port, unity(port) as client:
        client.send_telemetry(0.0, 0.0, 0.0, JPEG)
        assert client.command() is not None
        with answering.inference(int(url.rsplit(":", 1)[1])):
            assert drive(client) == 0.25


@pytest.fixture
def patient(inference: Answers) -> Iterator[int]:
    """Return the port of a bridge with the longest timeout for inference."""
    with bridge(inference.url, LAPWING_INFERENCE_TIMEOUT_MS="200") as port:
        yield port


def test_a_slow_inference_does_not_delay_pages(patient: int, inference: Answers) -> None:
    with unity(patient) as client:
        inference.gate.clear()
        client.send_telemetry(0.0, 0.0, 9.0, JPEG)
        assert httpx.get(f"http://127.0.0.1:{patient}/healthz").status_code == 200
        inference.gate.set()
        command = client.command()
        assert command is not None
        # This is not the fallback for an inference that is too slow: the page came in time.
        assert command.steering == 0.25


def test_two_simulators_wait_for_a_slow_inference_at_the_same_time(
    patient: int, inference: Answers
) -> None:
    with unity(patient) as one, unity(patient) as other:
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
