"""Tests of the bridge with a disturbed network to inference: each telemetry is answered in 250 ms.

This is promise P15. The fast tests run each disturbance for a second or two, `make soak` longer.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import httpx
import pytest
from support.data import samples
from support.services import answering, toxics
from support.services.answering import Answers
from support.services.driving import bridge, patient_bridge
from support.services.toxics import Proxy

from simulator.command import Command
from simulator.unity.client import UnityClient
from simulator.unity.number_format import find_locale

JPEG = samples.jpeg()
MAX_ANSWER_S = 0.25
HEALTHY_S = 0.05
HOLD_S = 0.5
MAX_RECOVERY_S = 2.0


@dataclass
class Drive:
    """A simulator with one loop that is driven at 20 Hz until it is ended."""

    port: int
    ended: threading.Event = field(default_factory=threading.Event)
    answers: list[tuple[float, float, Command]] = field(default_factory=list)
    """Time of each answer, seconds that it took, and its command."""

    def run(self) -> None:
        with UnityClient(f"ws://127.0.0.1:{self.port}", find_locale("en-US"), 60.0) as client:
            while not self.ended.is_set():
                began = time.monotonic()
                client.send_telemetry(0.0, 0.0, 9.0, JPEG)
                command = client.command()
                now = time.monotonic()
                assert command is not None, "a telemetry was not answered"
                self.answers.append((now, now - began, command))
                time.sleep(max(0.0, began + 0.05 - now))

    @contextmanager
    def driving(self) -> Iterator[None]:
        """Drive while the block runs."""
        thread = threading.Thread(target=self.run)
        thread.start()
        try:
            yield
        finally:
            self.ended.set()
            thread.join()

    def await_answer(self, steering: float, since_s: float, count: int = 1) -> None:
        """Wait for answers with a steering to telemetries that were sent after a time."""
        deadline = time.monotonic() + 60
        while sum(each.steering == steering for _, _, each in self.since(since_s)) < count:
            assert time.monotonic() < deadline, f"no answer steers {steering}"
            time.sleep(0.01)

    def slowest_s(self) -> float:
        return max(answer_s for _, answer_s, _ in self.answers)

    def since(self, time_s: float) -> list[tuple[float, float, Command]]:
        return [answer for answer in self.answers if answer[0] - answer[1] >= time_s]


@pytest.fixture(scope="module")
def proxy(inference: Answers) -> Iterator[Proxy]:
    with toxics.proxy(int(inference.url.rsplit(":", 1)[1])) as toxic:
        yield toxic


@pytest.fixture(scope="module")
def port(proxy: Proxy) -> Iterator[int]:
    with bridge(proxy.url) as port:
        yield port


@pytest.fixture(autouse=True)
def healthy(proxy: Proxy, inference: Answers) -> None:
    """Begin each test without a disturbance."""
    heal(proxy, inference)
    inference.body, inference.delay_s = b'{"steering": 0.25}', 0.0


def slow(proxy: Proxy, inference: Answers) -> None:
    proxy.latency_s = 0.4


def dripping(proxy: Proxy, inference: Answers) -> None:
    proxy.drip_bytes = 1


def black_hole(proxy: Proxy, inference: Answers) -> None:
    proxy.black_hole = True


def resetting(proxy: Proxy, inference: Answers) -> None:
    proxy.reset = True


def refused(proxy: Proxy, inference: Answers) -> None:
    proxy.refuse = True
    proxy.cut()


def refusing(proxy: Proxy, inference: Answers) -> None:
    inference.status, inference.body = 503, b'{"error": "no model"}'


def malformed(proxy: Proxy, inference: Answers) -> None:
    inference.body = b"<html>steering</html>"


def heal(proxy: Proxy, inference: Answers) -> None:
    proxy.latency_s, proxy.drip_bytes = 0.0, 0
    proxy.black_hole = proxy.reset = proxy.refuse = False
    inference.status, inference.body = 200, b'{"steering": 0.5}'


TOXICS = [slow, dripping, black_hole, resetting, refused, refusing, malformed]
Toxic = Callable[[Proxy, Answers], None]


def play(
    proxy: Proxy, inference: Answers, port: int, toxic: Toxic, toxic_s: float, slack: float
) -> None:
    """Drive before, during and after a disturbance, and check the promise."""
    drive = Drive(port)
    with drive.driving():
        drive.await_answer(0.25, 0.0, count=10)
        toxic_at_s = time.monotonic()
        toxic(proxy, inference)
        time.sleep(toxic_s)
        drive.await_answer(0.0, toxic_at_s, count=3)
        healed_at_s = time.monotonic()
        heal(proxy, inference)
        drive.await_answer(0.5, healed_at_s, count=5)

    assert drive.slowest_s() <= slack * MAX_ANSWER_S
    healthy_s = [answer_s for at_s, answer_s, _ in drive.answers[2:] if at_s < toxic_at_s]
    assert sorted(healthy_s)[len(healthy_s) * 9 // 10] <= slack * HEALTHY_S
    # The bridge learnt the last steering after its telemetry was sent, and before its answer came.
    # It decides within the same bounds what to do without one.
    known_after_s = max(at_s - answer_s for at_s, answer_s, _ in drive.answers if at_s < toxic_at_s)
    known_before_s = max(
        at_s for at_s, answer_s, _ in drive.answers if at_s - answer_s < toxic_at_s + 0.05
    )
    for at_s, answer_s, command in drive.since(toxic_at_s + 0.05):
        if at_s < known_after_s + HOLD_S:  # the last steering is held
            # A busy machine may have taken longer than HOLD_S for the steering before.
            assert command.steering == 0.25 or slack > 4
        elif known_before_s + HOLD_S < at_s - answer_s and at_s < healed_at_s:  # the car brakes
            assert command.steering == 0.0
            assert -1 <= command.throttle < -0.03
    after = drive.since(healed_at_s)
    recovered_at_s = next(at_s for at_s, _, command in after if command.steering == 0.5)
    assert recovered_at_s - healed_at_s <= slack * MAX_RECOVERY_S
    assert after[-1][2].steering == 0.5


@pytest.mark.parametrize("toxic", TOXICS, ids=lambda toxic: toxic.__name__)
def test_every_telemetry_is_answered_in_time(
    proxy: Proxy, inference: Answers, port: int, toxic: Toxic, slack: float
) -> None:
    play(proxy, inference, port, toxic, 1.0, slack)


@pytest.mark.soak
@pytest.mark.parametrize("toxic", TOXICS, ids=lambda toxic: toxic.__name__)
def test_every_telemetry_is_answered_in_time_for_a_minute(
    proxy: Proxy, inference: Answers, port: int, toxic: Toxic, slack: float
) -> None:
    play(proxy, inference, port, toxic, 60.0, slack)


def test_a_restarted_inference_is_found_within_two_seconds(slack: float) -> None:
    with answering.inference() as first:
        url = first.url
        kept_port = int(url.rsplit(":", 1)[1])
        first.body = b'{"steering": 0.1}'
        started = bridge(url)
        port = started.__enter__()
    try:
        drive = Drive(port)
        with drive.driving():
            drive.await_answer(0.0, 0.0, count=5)
            began = time.monotonic()
            with answering.inference(kept_port):
                drive.await_answer(0.25, began)
        recovered_at_s = next(
            at_s for at_s, _, command in drive.answers if command.steering == 0.25
        )
        assert recovered_at_s - began <= slack * MAX_RECOVERY_S
        assert drive.slowest_s() <= slack * MAX_ANSWER_S
    finally:
        started.__exit__(None, None, None)


def test_slow_answers_lower_the_target_speed_and_the_health_page_shows_it(
    proxy: Proxy, inference: Answers, slack: float
) -> None:
    with patient_bridge(proxy.url, LAPWING_TARGET_MPH="30") as port:
        drive = Drive(port)
        inference.delay_s = 0.12  # within the timeout, but late
        deadline = time.monotonic() + 60
        with drive.driving():
            while True:
                health = httpx.get(f"http://127.0.0.1:{port}/healthz", timeout=60).json()
                if health["simulators"] and health["simulators"][0]["target_mph"] < 29:
                    break
                assert time.monotonic() < deadline, health
                time.sleep(0.05)
    (simulator,) = health["simulators"]
    assert simulator["frame_age_ms"]["p50"] >= 120
    assert slack > 4 or simulator["target_mph"] > 20
    assert drive.slowest_s() <= slack * MAX_ANSWER_S


def test_connections_that_were_reset_are_not_kept_open(
    proxy: Proxy, inference: Answers, port: int
) -> None:
    """Each reset costs a connection, and none of them stays open."""
    proxy.reset = True
    drive = Drive(port)
    with drive.driving():
        drive.await_answer(0.0, 0.0, count=15)
    assert min(command.throttle for _, _, command in drive.answers) < -0.03
    assert len(proxy._open) <= 2
