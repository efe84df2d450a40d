"""Tests that fail when the libraries change what the bridge relies on."""

import importlib.metadata
import inspect
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import engineio
import pytest
import socketio

from driver_bridge.connection import (
    engine_server,
    engine_socket,
    simulator_server,
    strict_packet,
)


@pytest.mark.parametrize(
    ("distribution", "version"), [("python-socketio", "5.18.1"), ("python-engineio", "4.15.1")]
)
def test_the_pinned_release_is_installed(distribution: str, version: str) -> None:
    assert importlib.metadata.version(distribution) == version


@pytest.mark.parametrize(
    ("method", "parameters"),
    [
        (socketio.Server._engineio_server_class, ["self"]),
        (socketio.Server._handle_eio_connect, ["self", "eio_sid", "environ"]),
        (socketio.Server._handle_eio_disconnect, ["self", "eio_sid", "reason"]),
        (socketio.Server._handle_eio_message, ["self", "eio_sid", "data"]),
        (socketio.Server._handle_connect, ["self", "eio_sid", "namespace", "data"]),
        (socketio.Server._handle_disconnect, ["self", "eio_sid", "namespace", "reason"]),
        (socketio.Server._handle_event, ["self", "eio_sid", "namespace", "id", "data"]),
        (socketio.Server._send_packet, ["self", "eio_sid", "pkt"]),
        (socketio.packet.Packet.decode, ["self", "encoded_packet"]),
        (socketio.packet.Packet.add_attachment, ["self", "attachment"]),
        (engineio.Server.handle_request, ["self", "environ", "start_response"]),
        (engineio.Server._ok, ["self", "packets", "headers", "jsonp_index"]),
        (engineio.socket.Socket.receive, ["self", "pkt"]),
        (engineio.socket.Socket.send, ["self", "pkt"]),
        (engineio.socket.Socket.close, ["self", "wait", "abort", "reason"]),
        (engineio.socket.Socket.poll, ["self"]),
        (engineio.socket.Socket.check_ping_timeout, ["self"]),
        (engineio.socket.Socket.schedule_ping, ["self"]),
        (engineio.socket.Socket.handle_get_request, ["self", "environ", "start_response"]),
        (engineio.socket.Socket.handle_post_request, ["self", "environ"]),
        (engineio.socket.Socket._websocket_handler, ["self", "ws"]),
    ],
)
def test_the_methods_that_are_overridden_or_called_have_the_same_parameters(
    method: Callable[..., object], parameters: list[str]
) -> None:
    assert list(inspect.signature(method).parameters) == parameters


ADDED = {
    "adopt", "client", "close_silent", "driving", "hang_up", "look", "mark_driving",
    "message_began_s", "opened_s", "place", "refuse", "refused", "use_websocket", "websocket",
    "_check", "_heard_at_s", "_is_polled", "_is_silent", "_lives", "_next_packets",
    "_poll_version_3", "_read", "_refusal", "_use", "_version_4",
}  # fmt: skip
"""What our classes add."""


@pytest.mark.parametrize(
    "ours",
    [
        simulator_server.SimulatorServer,
        engine_server.EngineServer,
        engine_socket.PongingSocket,
        engine_socket.Engine3Socket,
        strict_packet.StrictPacket,
    ],
)
def test_what_a_class_does_not_add_it_overrides(ours: type) -> None:
    theirs = [base for base in ours.__mro__ if base.__module__.startswith(("engineio", "socketio"))]
    for name in vars(ours):
        if not name.startswith("__"):
            assert any(hasattr(base, name) for base in theirs) == (name not in ADDED), name


def test_nothing_that_is_added_hides_an_attribute_of_the_library() -> None:
    server = socketio.Server(async_mode="threading")
    connection = engineio.socket.Socket(server.eio, "client")
    theirs = vars(server).keys() | vars(server.eio).keys() | vars(connection).keys()
    assert not theirs & (ADDED | {"_incomplete", "_newcomers", "pinged", "pinging"})


def test_the_library_takes_its_websockets_from_where_ours_is_put() -> None:
    server = simulator_server.SimulatorServer(simulator_server.HEARTBEAT, async_mode="threading")
    shared = server.eio._async
    server.use_websocket(print)
    assert server.eio._async["websocket"] is print
    assert shared["websocket"] is not print  # that of other servers is left alone


def test_the_class_of_a_socket_can_be_changed() -> None:
    assert not hasattr(engineio.socket.Socket, "__slots__")
    for ours in (engine_socket.PongingSocket, engine_socket.Engine3Socket):
        assert "__init__" not in vars(ours)


def test_the_library_sets_what_is_read_of_a_socket() -> None:
    server = engineio.Server(async_mode="threading", monitor_clients=False)
    read = {"queue", "closed", "connected", "upgraded", "server"}
    assert read <= vars(engineio.socket.Socket(server, "client")).keys()


def test_the_last_packet_type_of_engine_io_is_noop() -> None:
    assert len(engineio.packet.packet_names) - 1 == engineio.packet.NOOP


FORGET = """
import sys, time, warnings
warnings.simplefilter("ignore")
import dns.name, dns.rdataclass, dns.rdatatype, eventlet.green.socket
from types import SimpleNamespace
from eventlet.support import greendns

assert eventlet.green.socket.getaddrinfo is greendns.getaddrinfo
resolver = greendns.ResolverProxy(filename=sys.argv[1])
assert type(resolver) is type(greendns.resolver)
key = (dns.name.from_text("inference."), dns.rdatatype.A, dns.rdataclass.IN)
answer = SimpleNamespace(expiration=time.time() + 600)
resolver._resolver.cache.put(key, answer)
assert resolver._resolver.cache.get(key) is answer
resolver.clear()
assert resolver._resolver.cache.get(key) is None
"""


def test_names_that_are_forgotten_are_looked_up_again(tmp_path: Path) -> None:
    """eventlet keeps an address for as long as the name server allows; Docker allows 600 s.

    eventlet is imported in another process: a process that has imported it may not fork any more.
    """
    configuration = tmp_path / "resolv.conf"
    configuration.write_text("nameserver 127.0.0.1\n")
    done = subprocess.run(
        [sys.executable, "-c", FORGET, str(configuration)], capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")
