"""The contract with python-socketio: fails when a release changes what dialect.py leans on."""

import importlib.metadata
import inspect
from collections.abc import Callable, Iterator

import engineio
import pytest
import socketio
from engineio import packet
from engineio.exceptions import SocketIsClosedError

from driver_bridge.connection import simulator_server


@pytest.mark.parametrize(
    ("distribution", "version"), [("python-socketio", "5.18.1"), ("python-engineio", "4.15.1")]
)
def test_the_release_is_the_one_that_was_read(distribution: str, version: str) -> None:
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
        (engineio.Server.disconnect, ["self", "sid"]),
    ],
)
def test_the_methods_it_overrides_and_calls_are_as_they_were(
    method: Callable[..., object], parameters: list[str]
) -> None:
    assert list(inspect.signature(method).parameters) == parameters


def test_nothing_is_overridden_that_is_not_there() -> None:
    for ours, theirs in (
        (simulator_server.SimulatorServer, socketio.Server),
        (simulator_server.PongingSocket, engineio.socket.Socket),
    ):
        for name in vars(ours):
            if not name.startswith("__"):
                assert hasattr(theirs, name)


def test_a_sockets_class_can_be_changed() -> None:
    assert not hasattr(engineio.socket.Socket, "__slots__")
    assert vars(simulator_server.PongingSocket).keys() & {"__init__"} == set()


@pytest.fixture
def connection() -> Iterator[simulator_server.PongingSocket]:
    """A client's socket in a server that runs no threads of its own."""
    server = simulator_server.SimulatorServer(async_mode="threading", monitor_clients=False)
    made = simulator_server.PongingSocket(server.eio, "somebody")
    server.eio.sockets["somebody"] = made
    yield made
    made.close(wait=False, abort=True)


def test_who_reads_none_of_its_answers_is_disconnected(
    connection: simulator_server.PongingSocket,
) -> None:
    for number in range(simulator_server.MOST_UNREAD):
        connection.receive(packet.Packet(packet.PING, str(number)))
    assert not connection.closed
    connection.receive(packet.Packet(packet.PING))
    assert connection.closed
    assert connection.queue.qsize() == simulator_server.MOST_UNREAD + 1  # and the end


def test_who_is_disconnected_is_not_heard_again(connection: simulator_server.PongingSocket) -> None:
    connection.close(wait=False, abort=True)
    with pytest.raises(SocketIsClosedError):
        connection.receive(packet.Packet(packet.MESSAGE, '2["telemetry",null]'))
    connection.send(packet.Packet(packet.MESSAGE, "late"))  # an answer that was on its way


def test_polling_handshakes_beyond_the_limit_are_refused_and_websockets_are_not(
    connection: simulator_server.PongingSocket,
) -> None:
    server = connection.server
    for number in range(simulator_server.MOST_POLLING):
        server.sockets[str(number)] = simulator_server.PongingSocket(server, str(number))
    connect = server.handlers["connect"]
    assert connect("somebody", {"QUERY_STRING": "EIO=4&transport=polling"}) is False
    assert connect("somebody", {"QUERY_STRING": "EIO=4&transport=websocket"}) is not False
