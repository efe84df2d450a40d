"""P15: the car is never left hanging, for an hour, while inference is killed, hung and cut off.

Inference and the bridge run in containers. The simulator frames its messages as the real one does.
tests/driver_bridge/test_toxics.py spoils the connection between the two in more ways.
"""

import itertools
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from support.data import models, samples
from support.reliability import trials
from support.reliability.containers import Containers, containers
from support.reliability.hour import Reply, SimulatorLoop
from support.waiting import await_true

from contract.models.registry import Registry

pytestmark = [pytest.mark.docker, pytest.mark.soak]

MAX_ANSWER_S, HEALTHY_S, HOLD_S, MAX_RECOVERY_S = 0.25, 0.05, 0.5, 2.0
HEALTHY_FOR_S, FAULT_FOR_S = 50.0, 5.0
JPEG = {"Content-Type": "image/jpeg"}


@pytest.fixture(scope="module")
def house(networks: Path) -> Iterator[Containers]:
    services = ("redis", "inference", "driver-bridge")
    with containers("hour", "127.0.0.15", *services, LAPWING_FOLLOW_EVERY_S="0.5") as house:
        models.publish(Registry(house.models), networks / "left", "left")
        house.up("redis", "inference", "driver-bridge")
        await_true(lambda: ready(house), "inference is ready")
        await_true(lambda: is_up(f"http://{house.bind}:4567/healthz"), "the bridge answers")
        yield house


def is_up(url: str) -> bool:
    try:
        return httpx.get(url, timeout=1).status_code == 200
    except httpx.TransportError:
        return False


def ready(house: Containers) -> bool:
    return is_up(f"{house.inference}/readyz")


def kill(house: Containers, container: str) -> None:
    """Kill inference, and start it again at once."""
    house.docker("kill", container)
    house.docker("start", container)


def restart(house: Containers, container: str) -> None:
    """Stop inference in the orderly way, and start it again."""
    house.docker("restart", container)


def hang(house: Containers, container: str) -> None:
    """Stop inference for some seconds without closing its connections."""
    house.pause(container)
    time.sleep(FAULT_FOR_S)
    house.docker("unpause", container)


def cut(house: Containers, container: str) -> None:
    """Take the network away from inference for some seconds."""
    network = f"{house.project}_edge"
    house.docker("network", "disconnect", "-f", network, container)
    time.sleep(FAULT_FOR_S)
    house.docker("network", "connect", "--alias", "inference", network, container)


FAULTS = (cut, kill, hang, restart)


def frames_that_differ(house: Containers) -> tuple[list[bytes], list[float]]:
    """Return frames, and what inference says of each; neighbours are told apart."""
    frames, steerings = [], []
    for seed in range(200):
        jpeg = samples.jpeg(seed % 7 / 10 - 0.3, seed)
        answer = httpx.post(f"{house.inference}/predict", content=jpeg, headers=JPEG, timeout=5)
        steering = answer.json()["steering"]
        if all(abs(steering - other) > 0.005 for other in steerings[-1:] + steerings[:1]):
            frames.append(jpeg)
            steerings.append(steering)
    assert len(frames) > 20
    return frames, steerings


def test_every_telemetry_of_an_hour_is_answered(
    house: Containers, print_figures: Callable[[str], None]
) -> None:
    loop = SimulatorLoop(house.bridge, *frames_that_differ(house))
    faults: list[tuple[str, float, float]] = []  # its name, its begin, when inference was ready
    seconds = trials.count("P15 seconds")
    (container,) = house.ids("inference")
    until = time.monotonic() + seconds
    with ThreadPoolExecutor(1) as executor:
        driven = executor.submit(loop.run)
        try:
            for fault in itertools.cycle(FAULTS):
                loop.ended.wait(max(0.0, min(HEALTHY_FOR_S, until - time.monotonic())))
                if loop.ended.is_set() or time.monotonic() > until - 2 * FAULT_FOR_S:
                    break
                began = time.monotonic()
                fault(house, container)
                await_true(lambda: ready(house), "inference is ready again")
                faults.append((fault.__name__, began, time.monotonic()))
        finally:
            loop.ended.set()
        driven.result()
    recoveries = [recovery_s(loop.replies, ready_s) for _, _, ready_s in faults]
    healthy = healthy_replies(loop.replies, faults)
    took_s = [reply.took_s for reply in loop.replies]
    healthy_s = [reply.took_s for reply in healthy]
    wrong = [reply for reply in loop.replies if reply.how not in ("model", "held", "stopped")]
    late = [reply for reply in loop.replies if reply.took_s > MAX_ANSWER_S]
    trials.record(
        "P15",
        print_figures,
        seconds=seconds,
        telemetries=loop.sent,
        answers=len(loop.replies),
        surplus=loop.surplus,
        wrong=len(wrong),
        faults=len(faults),
        p50_healthy_ms=round(1000 * trials.quantile(healthy_s, 0.5), 2),
        p99_healthy_ms=round(1000 * trials.quantile(healthy_s, 0.99), 2),
        healthy_not_by_the_model=sum(reply.how != "model" for reply in healthy),
        slowest_ms=round(1000 * max(took_s), 1),
        slower_than_250_ms=len(late),
        longest_hold_ms=round(1000 * longest_hold_s(loop.replies)),
        slowest_recovery_s={
            name: round(
                max(s for (one, *_), s in zip(faults, recoveries, strict=True) if one == name), 2
            )
            for name in {fault for fault, *_ in faults}
        },
    )
    assert (loop.sent - 1, loop.surplus) == (len(loop.replies), 0)  # the first two have one
    assert wrong == []
    assert late == []
    assert trials.quantile(healthy_s, 0.99) <= HEALTHY_S
    assert longest_hold_s(loop.replies) <= HOLD_S + MAX_ANSWER_S
    assert all(recovery <= MAX_RECOVERY_S for recovery in recoveries)
    assert all(stops(loop.replies, began, ready_s) for _, began, ready_s in faults)


def healthy_replies(replies: list[Reply], faults: list[tuple[str, float, float]]) -> list[Reply]:
    """Return the answers outside of the faults and of the time that recovery may take."""
    return [
        reply
        for reply in replies[2:]
        if all(
            reply.at_s < began or reply.sent_s > ready_s + MAX_RECOVERY_S
            for _, began, ready_s in faults
        )
    ]


def recovery_s(replies: list[Reply], ready_s: float) -> float:
    """Return the seconds from when inference was ready to the first steering of the model."""
    return next(
        (reply.at_s - ready_s for reply in replies if reply.sent_s >= ready_s - 0.25
         and reply.how == "model"), float("inf"))  # fmt: skip


def longest_hold_s(replies: list[Reply]) -> float:
    """Return how long after the model's last answer its steering was still used."""
    longest, known_s = 0.0, replies[0].at_s
    for reply in replies:
        if reply.how == "model":
            known_s = reply.at_s
        elif reply.how == "held":
            longest = max(longest, reply.at_s - known_s)
    return longest


def stops(replies: list[Reply], began: float, ready_s: float) -> bool:
    """Return whether the car was braked in a fault that kept inference away for long enough."""
    during = [reply for reply in replies if began <= reply.at_s <= ready_s]
    steered = [reply.at_s for reply in during if reply.how == "model"]
    away_s = ready_s - max([began, *steered])
    return away_s < HOLD_S + 2 * MAX_ANSWER_S or any(reply.how == "stopped" for reply in during)
