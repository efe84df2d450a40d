"""Tests the loops over a scripted bridge; test_client.py tests the packets."""

import socket
import threading
import time

import pytest
from support.data.roads import straight
from support.services import scripted
from support.services.scripted import Peer

from contract.errors import ServiceError
from simulator.unity.connection import UnityConnection
from simulator.unity.number_format import find_locale
from simulator.world import World

STEER = '42["steer",{"steering_angle":"0.25","throttle":"0.5"}]'


@pytest.fixture
def world() -> World:
    return World(straight())


def telemetries(peer: Peer, count: int) -> list[str]:
    heard: list[str] = []
    while len(heard) < count:
        text = peer.hear()
        assert text, f"the client closed after {len(heard)} telemetries"
        if text.startswith("42"):
            heard.append(text)
    return heard


def test_two_loops_start_and_each_answer_brings_one_more(world: World) -> None:
    def script(peer: Peer) -> None:
        telemetries(peer, 2)
        peer.say(STEER)
        telemetries(peer, 1)
        peer.say(STEER)
        peer.say(STEER)
        peer.hear()

    with scripted.bridge(script) as url:
        connection = UnityConnection(url, find_locale("en-US"))
        connection.ask(b"\xff\xd8", world)
        assert (connection.waiting, connection.ready) == (2, False)
        command = connection.answer(2.0)
        assert command is not None
        assert (command.steering, command.throttle) == (0.25, 0.5)
        assert (connection.waiting, connection.ready) == (1, True)
        connection.ask(b"\xff\xd8", world)
        assert connection.waiting == 2
        for remaining in (1, 0):
            assert connection.answer(2.0) is not None
            assert connection.waiting == remaining
        connection.close()
        assert connection.document()["answered"] == 3


def test_one_answer_to_two_leaves_one_loop_after_a_silence(world: World) -> None:
    def script(peer: Peer) -> None:
        telemetries(peer, 2)
        peer.say(STEER)
        for _ in range(3):
            telemetries(peer, 1)
            peer.say(STEER)
        peer.hear()

    with scripted.bridge(script) as url:
        connection = UnityConnection(url, find_locale("en-US"))
        connection.ask(b"\xff\xd8", world)
        assert connection.answer(2.0) is not None
        assert connection.waiting == 1
        began = time.monotonic()
        assert connection.answer(5.0) is None
        assert time.monotonic() - began < 1.0
        assert connection.waiting == 0
        for _ in range(3):
            connection.ask(b"\xff\xd8", world)
            assert connection.waiting == 1
            assert connection.answer(2.0) is not None
            assert connection.waiting == 0
        connection.close()
        document = connection.document()
        assert (document["answered"], document["folded"]) == (4, 1)


def test_an_answer_without_a_telemetry_starts_a_third_loop(world: World) -> None:
    def script(peer: Peer) -> None:
        peer.say(STEER)
        telemetries(peer, 3)
        peer.hear()

    with scripted.bridge(script) as url:
        connection = UnityConnection(url, find_locale("en-US"))
        assert connection.answer(2.0) is not None
        connection.ask(b"\xff\xd8", world)
        assert connection.waiting == 3
        assert connection.document()["answered"] == 0
        connection.close()


def test_a_late_answer_is_none(world: World) -> None:
    def listen(peer: Peer) -> None:
        while peer.hear():
            pass

    with scripted.bridge(listen) as url:
        connection = UnityConnection(url, find_locale("en-US"))
        connection.ask(b"\xff\xd8", world)
        assert connection.answer(0.05) is None
        assert connection.waiting == 2
        connection.close()


def test_the_telemetry_holds_the_state_of_the_world(world: World) -> None:
    heard: list[str] = []
    world.steering, world.throttle = -0.5, 0.25

    with scripted.bridge(lambda peer: heard.extend(telemetries(peer, 2))) as url:
        connection = UnityConnection(url, find_locale("de-DE"))
        connection.ask(b"\xff\xd8", world)
        connection.close()
    assert heard[0] == heard[1]
    assert '"steering_angle":"-12,5000","throttle":"0,2500","speed":"0,0000"' in heard[0]


def test_a_lost_bridge_is_connected_again_with_new_loops(world: World) -> None:
    reconnected = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]

        def serve() -> None:
            for last in (False, True):
                connection, _ = server.accept()
                with connection:
                    peer = Peer(connection)
                    telemetries(peer, 2)
                    if last:
                        reconnected.set()
                        peer.hear()
                    peer.close()

        thread = threading.Thread(target=serve)
        thread.start()
        connection = UnityConnection(f"ws://127.0.0.1:{port}", find_locale("en-US"))
        connection.ask(b"\xff\xd8", world)
        assert connection.answer(5.0) is None
        assert (connection.waiting, connection.ready, connection.reconnections) == (0, True, 1)
        connection.ask(b"\xff\xd8", world)
        assert reconnected.wait(5.0)
        connection.close()
        thread.join(5.0)


def test_a_bridge_that_does_not_come_back_is_an_error(world: World) -> None:
    with scripted.bridge(lambda peer: None) as url:
        connection = UnityConnection(url, find_locale("en-US"), patience_s=0.1)
    with pytest.raises(ServiceError, match="no bridge answers"):
        connection.answer(2.0)
    connection.close()


def test_a_missing_bridge_is_an_error() -> None:
    with pytest.raises(ServiceError, match="Start Lapwing first"):
        UnityConnection("ws://127.0.0.1:1", find_locale("en-US"))
