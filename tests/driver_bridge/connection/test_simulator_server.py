"""Tests that fail when python-socketio changes the methods that simulator_server.py relies on."""

import importlib.metadata
import inspect
import time
from collections.abc import Callable, Iterator

import engineio
import pytest
import socketio
from engineio import packet
from engineio.exceptions import SocketIsClosedError

from driver_bridge.connection import simulator_server

ADDED = {
    "opened_s",
    "driving",
    "place",
    "websocket",
    "message_began_s",
    "mark_driving",
    "_use",
    "use_websocket",
    "client",
    "close_silent",
}
"""What our classes have and those of the library have not."""


@pytest.mark.parametrize(
    ("distribution", "version"), [("python-socketio", "5.18.1"), ("python-engineio", "4.15.1")]
)
def test_the_pinned_release_is_installed(distribution: str, version: str) -> None:
    assert importlib.metadata.version(distribution) == version


@pytest.mark.parametrize(
    ("method", "parameters"),
    [
        (socketio.Server._handle_eio_message, ["self", "eio_sid", "data"]),
        (socketio.Server._handle_eio_connect, ["self", "eio_sid", "environ"]),
        (socketio.Server._handle_connect, ["self", "eio_sid", "namespace", "data"]),
        (engineio.socket.Socket.receive, ["self", "pkt"]),
        (engineio.socket.Socket.send, ["self", "pkt"]),
        (engineio.socket.Socket.close, ["self", "wait", "abort", "reason"]),
        (engineio.socket.Socket.handle_get_request, ["self", "environ", "start_response"]),
        (engineio.socket.Socket.handle_post_request, ["self", "environ"]),
        (engineio.socket.Socket._websocket_handler, ["self", "ws"]),
        (engineio.Server.disconnect, ["self", "sid"]),
    ],
)
def test_the_methods_that_are_overridden_or_called_have_the_same_parameters(
    method: Callable[..., object], parameters: list[str]
) -> None:
    assert list(inspect.signature(method).parameters) == parameters


def test_every_overridden_method_exists_in_the_library() -> None:
    for ours, theirs in (
        (simulator_server.SimulatorServer, socketio.Server),
        (simulator_server.PongingSocket, engineio.socket.Socket),
    ):
        for name in vars(ours):
            if not name.startswith("__") and name not in ADDED:
                assert hasattr(theirs, name)


def test_nothing_that_is_added_hides_something_of_the_library() -> None:
    server = socketio.Server(async_mode="threading")
    theirs = engineio.socket.Socket(server.eio, "client")
    assert not [name for name in ADDED if hasattr(theirs, name) or hasattr(server, name)]


def test_the_library_takes_its_websockets_from_where_ours_is_put() -> None:
    server = simulator_server.SimulatorServer(async_mode="threading")
    shared = server.eio._async
    server.use_websocket(print)
    assert server.eio._async["websocket"] is print
    assert shared["websocket"] is not print  # that of other servers is left alone


def test_the_class_of_a_socket_can_be_changed() -> None:
    assert not hasattr(engineio.socket.Socket, "__slots__")
    assert vars(simulator_server.PongingSocket).keys() & {"__init__"} == set()


@pytest.fixture
def connection() -> Iterator[simulator_server.PongingSocket]:
    """Return the socket of a client, in a server without threads."""
    server = simulator_server.SimulatorServer(async_mode="threading", monitor_clients=False)
    connection = simulator_server.PongingSocket(server.eio, "client")
    server.eio.sockets["client"] = connection
    yield connection
    connection.close(wait=False, abort=True)


def test_a_client_that_never_reads_is_disconnected(
    connection: simulator_server.PongingSocket,
) -> None:
    for number in range(simulator_server.MAX_UNREAD_PACKETS):
        connection.receive(packet.Packet(packet.PING, str(number)))
    assert not connection.closed
    connection.receive(packet.Packet(packet.PING))
    assert connection.closed
    assert (
        connection.queue.qsize() == simulator_server.MAX_UNREAD_PACKETS + 1
    )  # and the packet that closes


def test_a_disconnected_client_is_not_heard_again(
    connection: simulator_server.PongingSocket,
) -> None:
    connection.close(wait=False, abort=True)
    with pytest.raises(SocketIsClosedError):
        connection.receive(packet.Packet(packet.MESSAGE, '2["telemetry",null]'))
    connection.send(packet.Packet(packet.MESSAGE, "late"))  # an answer that is sent too late


def test_handshakes_for_polling_are_refused_above_the_limit_and_websockets_are_not(
    connection: simulator_server.PongingSocket,
) -> None:
    server = connection.server
    for number in range(simulator_server.MAX_POLLING_CLIENTS):
        server.sockets[str(number)] = simulator_server.PongingSocket(server, str(number))
    connect = server.handlers["connect"]
    assert connect("client", {"QUERY_STRING": "EIO=4&transport=polling"}) is False
    assert connect("client", {"QUERY_STRING": "EIO=4&transport=websocket"}) is not False


def test_a_client_that_never_sends_a_telemetry_is_disconnected_and_one_that_did_is_not(
    connection: simulator_server.PongingSocket,
) -> None:
    """It answers PINGs all the while."""
    server = simulator_server.SimulatorServer(async_mode="threading", monitor_clients=False)
    server.eio.sockets["client"] = connection
    now_s = time.monotonic()
    connection.opened_s = now_s - simulator_server.SILENCE_S + 5
    assert server.close_silent() == 0
    connection.opened_s = now_s - simulator_server.SILENCE_S - 1
    connection.mark_driving()
    assert server.close_silent() == 0
    connection.driving = False
    connection.receive(packet.Packet(packet.PONG))
    assert server.close_silent() == 1
    assert connection.closed
    assert server.close_silent() == 0
