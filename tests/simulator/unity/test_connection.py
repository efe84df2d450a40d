"""The loops over a scripted bridge; every trap that the client meets is in test_dialect.py."""

import socket
import threading
import time

import pytest
from support.data.roads import straight
from support.services import scripted
from support.services.scripted import Peer

from contract.errors import ServiceError
from simulator.unity.connection import Wire
from simulator.unity.number_format import locale
from simulator.world import World

STEER = '42["steer",{"steering_angle":"0.25","throttle":"0.5"}]'


@pytest.fixture
def world() -> World:
    return World(straight())


def telemetries(peer: Peer, count: int) -> list[str]:
    heard: list[str] = []
    while len(heard) < count:
        text = peer.hear()
        assert text, f"the client left after {len(heard)} telemetries"
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
        wire = Wire(url, locale("en-US"))
        wire.ask(b"\xff\xd8", world)
        assert (wire.waiting, wire.ready) == (2, False)
        command = wire.answer(2.0)
        assert command is not None
        assert (command.steering, command.throttle) == (0.25, 0.5)
        assert (wire.waiting, wire.ready) == (1, True)
        wire.ask(b"\xff\xd8", world)
        assert wire.waiting == 2
        for left in (1, 0):
            assert wire.answer(2.0) is not None
            assert wire.waiting == left
        wire.close()
        assert wire.document()["answered"] == 3


def test_an_answer_to_two_leaves_one_loop_and_is_told_by_the_silence(world: World) -> None:
    def script(peer: Peer) -> None:
        telemetries(peer, 2)
        peer.say(STEER)
        for _ in range(3):
            telemetries(peer, 1)
            peer.say(STEER)
        peer.hear()

    with scripted.bridge(script) as url:
        wire = Wire(url, locale("en-US"))
        wire.ask(b"\xff\xd8", world)
        assert wire.answer(2.0) is not None
        assert wire.waiting == 1
        began = time.monotonic()
        assert wire.answer(5.0) is None
        assert time.monotonic() - began < 1.0
        assert wire.waiting == 0
        for _ in range(3):
            wire.ask(b"\xff\xd8", world)
            assert wire.waiting == 1
            assert wire.answer(2.0) is not None
            assert wire.waiting == 0
        wire.close()
        document = wire.document()
        assert (document["answered"], document["folded"]) == (4, 1)


def test_a_steer_that_nobody_asked_for_starts_a_third_loop(world: World) -> None:
    def script(peer: Peer) -> None:
        peer.say(STEER)
        telemetries(peer, 3)
        peer.hear()

    with scripted.bridge(script) as url:
        wire = Wire(url, locale("en-US"))
        assert wire.answer(2.0) is not None
        wire.ask(b"\xff\xd8", world)
        assert wire.waiting == 3
        assert wire.document()["answered"] == 0
        wire.close()


def test_no_answer_in_time_is_none(world: World) -> None:
    def listen(peer: Peer) -> None:
        while peer.hear():
            pass

    with scripted.bridge(listen) as url:
        wire = Wire(url, locale("en-US"))
        wire.ask(b"\xff\xd8", world)
        assert wire.answer(0.05) is None
        assert wire.waiting == 2
        wire.close()


def test_what_is_sent_is_the_world_as_it_is(world: World) -> None:
    heard: list[str] = []
    world.steering, world.throttle = -0.5, 0.25

    with scripted.bridge(lambda peer: heard.extend(telemetries(peer, 2))) as url:
        wire = Wire(url, locale("de-DE"))
        wire.ask(b"\xff\xd8", world)
        wire.close()
    assert heard[0] == heard[1]
    assert '"steering_angle":"-12,5000","throttle":"0,2500","speed":"0,0000"' in heard[0]


def test_a_lost_bridge_is_dialled_again_and_begins_anew(world: World) -> None:
    again = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]

        def serve() -> None:
            for last in (False, True):
                connection, _ = server.accept()
                with connection:
                    peer = Peer(connection)
                    telemetries(peer, 2)
                    if last:
                        again.set()
                        peer.hear()
                    peer.close()

        thread = threading.Thread(target=serve)
        thread.start()
        wire = Wire(f"ws://127.0.0.1:{port}", locale("en-US"))
        wire.ask(b"\xff\xd8", world)
        assert wire.answer(5.0) is None
        assert (wire.waiting, wire.ready, wire.reconnections) == (0, True, 1)
        wire.ask(b"\xff\xd8", world)
        assert again.wait(5.0)
        wire.close()
        thread.join(5.0)


def test_a_bridge_that_does_not_come_back_is_an_error(world: World) -> None:
    with scripted.bridge(lambda peer: None) as url:
        wire = Wire(url, locale("en-US"), patience_s=0.1)
    with pytest.raises(ServiceError, match="no bridge answers"):
        wire.answer(2.0)
    wire.close()


def test_no_bridge_at_all_is_an_error() -> None:
    with pytest.raises(ServiceError, match="Start Lapwing first"):
        Wire("ws://127.0.0.1:1", locale("en-US"))
