"""Real replicas behind a real HAProxy with containers/haproxy.cfg: how requests are dealt out, and
what a drive notices of a replica that is killed."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest
from support.data import models, samples
from support.services import balancing
from support.services.balancing import Balanced, Replica, balanced
from support.services.logged_bridge import Polling
from support.waiting import await_true

from contract.models.registry import Registry
from simulator.episode.episode import EpisodeConfig, run_episode
from simulator.episode.initial_state import InitialState
from simulator.episode.result import EpisodeResult
from simulator.episode.runner import Observation
from simulator.track.catalog import load_track
from simulator.unity.connection import UnityConnection
from simulator.unity.number_format import find_locale

ANSWERED = 'lapwing_predictions_total{status="200"}'
JPEG = {"Content-Type": "image/jpeg"}
KILL_AT = 30
"""Number of the frame of a drive, of about 80, at which a replica is killed."""
OF_A_BUSY_MACHINE = 15
"""Number of answers that may stop the car where the machine gave our processes no time for half a
second. A drive that a dead replica stops has as many more as it has frames."""


@pytest.fixture(scope="module")
def house(networks: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Balanced]:
    registry = Registry(tmp_path_factory.mktemp("balanced") / "models")
    registry.root.mkdir()
    models.publish(registry, networks / "straight", "straight")
    settings = {
        "LAPWING_INFERENCE_TIMEOUT_MS": "200",
        "LAPWING_INFERENCE_QUEUE_MS": "150",
        "LAPWING_INFERENCE_BACKEND": "litert",
    }
    with balanced(registry.root, **settings) as house:
        yield house


@pytest.fixture
def whole(house: Balanced) -> Iterator[Balanced]:
    """The house with all of its replicas, which are started again after a test."""
    yield house
    for replica in (*house.inference, *house.bridges):
        if replica.process is None:
            replica.start()
            page = "/readyz" if replica in house.inference else "/healthz"
            await_true(lambda one=replica, path=page: one.answers(path), "a replica is back")  # type: ignore[misc]
    house.await_servers("inference", 2)
    house.await_servers("bridge", 2)


@pytest.fixture(scope="module")
def road(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("road") / "straight.csv"
    path.write_text("\n".join(f"{10 * point},0,0,8" for point in range(31)))
    return str(path)


def answers(house: Balanced, how: str) -> float:
    """Return the number of such answers of all bridges that live."""
    metric = f'lapwing_bridge_answers_total{{how="{how}"}}'
    return sum(bridge.count(metric) for bridge in house.bridges if bridge.process is not None)


def drive(house: Balanced, road: str, kill: Callable[[], None]) -> tuple[EpisodeResult, int]:
    """Drive a short way, and kill something meanwhile; return the result and the reconnections."""
    connection = UnityConnection(house.bridge_url, find_locale("en-US"))
    frames = 0

    def count(_: Observation) -> None:
        nonlocal frames
        frames += 1
        if frames == KILL_AT:
            kill()

    try:
        result = run_episode(
            load_track(road),
            InitialState(station_m=20.0),
            EpisodeConfig(laps=0.1, video=False),
            connection,
            None,
            count,
        )
    finally:
        connection.close()
    assert frames > 2 * KILL_AT
    return result, connection.reconnections


MODELLED = 'lapwing_bridge_answers_total{how="model"}'


def test_the_configuration_is_valid_and_a_mistake_in_it_is_found(tmp_path: Path) -> None:
    spoiled = tmp_path / "haproxy.cfg"
    spoiled.write_text(balancing.CONFIG.read_text().replace("balance leastconn", "balance most"))
    checked = [
        subprocess.run([balancing.haproxy(), "-c", "-f", str(path)], capture_output=True, text=True)
        for path in (balancing.CONFIG, spoiled)
    ]
    assert [one.returncode for one in checked] == [0, 1]
    assert "WARNING" not in checked[0].stderr + checked[0].stdout


def test_the_requests_of_one_connection_are_dealt_out(whole: Balanced) -> None:
    before = [replica.count(ANSWERED) for replica in whole.inference]
    with httpx.Client(base_url=whole.url, timeout=60) as client:
        for seed in range(40):
            answer = client.post("/predict", content=samples.jpeg(0.0, seed), headers=JPEG)
            assert answer.status_code == 200
    shares = [
        replica.count(ANSWERED) - b for replica, b in zip(whole.inference, before, strict=True)
    ]
    assert sum(shares) == 40
    assert min(shares) >= 12


def test_no_request_is_lost_with_its_replica_which_gets_its_share_again_when_it_is_back(
    whole: Balanced,
) -> None:
    replica = whole.inference[1]
    with httpx.Client(base_url=whole.url, timeout=60) as client:
        for number in range(40):
            if number == 10:
                replica.kill()
            answer = client.post("/predict", content=samples.jpeg(), headers=JPEG)
            assert answer.status_code == 200, answer.text
        replica.start()
        await_true(lambda: replica.answers("/readyz"), "the replica is back")
        whole.await_servers("inference", 2)
        for _ in range(10):
            assert client.post("/predict", content=samples.jpeg(), headers=JPEG).is_success
    assert replica.count(ANSWERED) >= 3


def test_a_replica_that_has_left_the_names_is_asked_no_more(whole: Balanced) -> None:
    address = whole.names["inference"].pop()
    try:
        whole.await_servers("inference", 1)
    finally:
        whole.names["inference"].append(address)
    whole.await_servers("inference", 2)


def test_without_a_replica_the_refusal_has_the_three_parts(whole: Balanced) -> None:
    for replica in whole.inference:
        replica.kill()
    whole.await_servers("inference", 0)
    refused = httpx.post(f"{whole.url}/predict", content=samples.jpeg(), headers=JPEG)
    assert refused.status_code == 503
    assert refused.headers["Retry-After"] == "2"
    assert set(refused.json()) == {"error", "got", "remedy"}


@pytest.mark.parametrize("version", [3, 4], ids="engine-io-{}".format)
def test_the_requests_of_a_polling_session_reach_the_bridge_that_has_it(
    whole: Balanced, version: int
) -> None:
    """Each of them would be refused with 400 by the other bridge."""
    path = f"/socket.io/?EIO={version}&transport=polling"
    ping = "1:2" if version == 3 else "3"
    with ExitStack() as stack:
        sessions = [stack.enter_context(Polling(whole.bridge_port, path)) for _ in range(4)]
        homes = set()
        for session in sessions:
            session.client.cookies.clear()
            asked = [httpx.post(one.url + session.path, content=ping) for one in whole.bridges]
            assert sorted(answer.status_code for answer in asked) == [200, 400]
            homes.add(asked[0].status_code)
        assert homes == {200, 400}, "all sessions are at one bridge"
        for session in sessions * 3:
            # Over a connection of its own: HAProxy leads one connection to one bridge anyway.
            url = f"http://127.0.0.1:{whole.bridge_port}{session.path}"
            assert httpx.post(url, content=ping).text == "ok"


def test_a_drive_goes_on_when_its_inference_is_killed(
    whole: Balanced, road: str, slack: float
) -> None:
    stopped, modelled = answers(whole, "stopped"), answers(whole, "model")
    result, reconnections = drive(whole, road, whole.inference[0].kill)
    assert result.success
    assert reconnections == 0
    assert answers(whole, "model") - modelled > KILL_AT
    assert answers(whole, "stopped") - stopped <= (0 if slack <= 4 else OF_A_BUSY_MACHINE)


def test_a_simulator_whose_bridge_is_killed_drives_on_with_the_other(
    whole: Balanced, road: str
) -> None:
    killed: list[Replica] = []
    before = [bridge.count(MODELLED) for bridge in whole.bridges]

    def kill() -> None:
        counts = [bridge.count(MODELLED) for bridge in whole.bridges]
        [driving] = [
            bridge
            for bridge, count, earlier in zip(whole.bridges, counts, before, strict=True)
            if count > earlier
        ]
        driving.kill()
        killed.append(driving)

    result, reconnections = drive(whole, road, kill)
    assert result.success
    assert reconnections >= 1
    (other,) = [bridge for bridge in whole.bridges if bridge not in killed]
    assert other.count(MODELLED) - before[whole.bridges.index(other)] > 30


@pytest.mark.soak
def test_a_replica_that_hangs_is_given_up(
    whole: Balanced, print_figures: Callable[[str], None]
) -> None:
    """Its connections stay open and are never answered, so only its health check tells of it."""
    with httpx.Client(base_url=whole.url, timeout=60) as client:
        whole.inference[0].signal(signal.SIGSTOP)
        try:
            began = time.monotonic()
            whole.await_servers("inference", 1)
            print_figures(f"a hung replica was given up after {time.monotonic() - began:.2f} s")
            for _ in range(10):
                assert client.post("/predict", content=samples.jpeg(), headers=JPEG).is_success
        finally:
            whole.inference[0].signal(signal.SIGCONT)
