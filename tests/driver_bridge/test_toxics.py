"""The bridge while its way to inference is spoilt: one answer per telemetry, within 250 ms.

Promise P15. The fast subset runs each toxic for a second or two; `make soak` for longer.
"""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import httpx
import pytest
from support.data import samples
from support.services import answering, toxics
from support.services.answering import Answers
from support.services.driving import bridge
from support.services.toxics import Proxy

from simulator.command import Command
from simulator.unity.client import UnityClient
from simulator.unity.number_format import find_locale

JPEG = samples.jpeg()
ALWAYS_S = 0.25
HEALTHY_S = 0.05
HOLD_S = 0.5
RECOVERED_S = 2.0


@dataclass
class Drive:
    """A simulator with one loop that is driven at 20 Hz until it is told to stop."""

    port: int
    answers: list[tuple[float, float, Command]] = field(default_factory=list)
    """When each came, after how long, and what it says."""

    def go(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        with UnityClient(f"ws://127.0.0.1:{self.port}", find_locale("en-US")) as client:
            while time.monotonic() < until:
                began = time.monotonic()
                client.send_telemetry(0.0, 0.0, 9.0, JPEG)
                command = client.command()
                now = time.monotonic()
                assert command is not None, "a telemetry was not answered"
                self.answers.append((now, now - began, command))
                time.sleep(max(0.0, began + 0.05 - now))

    def slowest_s(self) -> float:
        return max(taken for _, taken, _ in self.answers)

    def since(self, moment: float) -> list[tuple[float, float, Command]]:
        return [each for each in self.answers if each[0] - each[1] >= moment]


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
    """Let each test begin with nothing in the way."""
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


def gone(proxy: Proxy, inference: Answers) -> None:
    proxy.refuse = True
    proxy.cut()


def refusing(proxy: Proxy, inference: Answers) -> None:
    inference.status, inference.body = 503, b'{"error": "no model"}'


def rubbish(proxy: Proxy, inference: Answers) -> None:
    inference.body = b"<html>steering</html>"


def heal(proxy: Proxy, inference: Answers) -> None:
    proxy.latency_s, proxy.drip_bytes = 0.0, 0
    proxy.black_hole = proxy.reset = proxy.refuse = False
    inference.status, inference.body = 200, b'{"steering": 0.5}'


TOXICS = [slow, dripping, black_hole, resetting, gone, refusing, rubbish]
Toxic = Callable[[Proxy, Answers], None]


def play(
    proxy: Proxy, inference: Answers, port: int, toxic: Toxic, ill_s: float, slack: float
) -> None:
    """Drive healthy, ill and healthy again, and hold what came against the promise."""
    drive = Drive(port)
    thread = threading.Thread(target=drive.go, args=(ill_s + 1.3,))
    thread.start()
    time.sleep(0.7)
    ill_at = time.monotonic()
    toxic(proxy, inference)
    time.sleep(ill_s)
    healed_at = time.monotonic()
    heal(proxy, inference)
    thread.join(ill_s + 10)
    assert not thread.is_alive()

    assert drive.slowest_s() <= slack * ALWAYS_S
    healthy = [taken for at, taken, _ in drive.answers[2:] if at < ill_at]
    assert len(healthy) > 5
    assert sorted(healthy)[len(healthy) * 9 // 10] <= slack * HEALTHY_S
    for at, _, command in drive.since(ill_at + 0.05):
        if at < ill_at + HOLD_S - 0.1:  # the last is held
            assert command.steering == 0.25
        elif ill_at + HOLD_S + ALWAYS_S < at < healed_at:  # and then the brakes
            assert (command.steering, command.throttle) == (0.0, -1.0)
    after = drive.since(healed_at)
    recovered = next(at for at, _, command in after if command.steering == 0.5)
    assert recovered - healed_at <= slack * RECOVERED_S
    assert after[-1][2].steering == 0.5


@pytest.mark.parametrize("toxic", TOXICS, ids=lambda each: each.__name__)
def test_every_telemetry_is_answered_in_time(
    proxy: Proxy, inference: Answers, port: int, toxic: Toxic, slack: float
) -> None:
    play(proxy, inference, port, toxic, 1.0, slack)


@pytest.mark.soak
@pytest.mark.parametrize("toxic", TOXICS, ids=lambda each: each.__name__)
def test_every_telemetry_is_answered_in_time_for_long(
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
        thread = threading.Thread(target=drive.go, args=(1.5,))
        thread.start()
        time.sleep(0.7)
        began = time.monotonic()
        with answering.inference(kept_port):
            thread.join()
        back = next(at for at, _, command in drive.answers if command.steering == 0.25)
        assert back - began <= slack * RECOVERED_S
        assert drive.slowest_s() <= slack * ALWAYS_S
    finally:
        started.__exit__(None, None, None)


def test_slow_answers_lower_the_target_speed_and_it_is_told(
    proxy: Proxy, inference: Answers, slack: float
) -> None:
    with bridge(proxy.url, LAPWING_TARGET_MPH="30") as port:
        drive = Drive(port)
        inference.delay_s = 0.12  # within the timeout: answered, but late
        thread = threading.Thread(target=drive.go, args=(2.5,))
        thread.start()
        time.sleep(2.2)
        health = httpx.get(f"http://127.0.0.1:{port}/healthz").json()
        thread.join()
    (simulator,) = health["simulators"]
    assert simulator["frame_age_ms"]["p50"] >= 120
    assert 20 < simulator["target_mph"] < 29
    assert drive.slowest_s() <= slack * ALWAYS_S


def test_a_bridge_that_ends_its_connections_keeps_no_more_than_it_should(
    proxy: Proxy, inference: Answers, port: int
) -> None:
    """Resets cost a connection each, and none of them is left open."""
    proxy.reset = True
    drive = Drive(port)
    drive.go(1.0)
    assert len(drive.answers) > 10
    assert Counter(command.throttle for _, _, command in drive.answers)[-1.0] > 0
    assert len(proxy._open) <= 2
