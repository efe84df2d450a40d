"""Tests of the sockets of Engine.IO, in a server without threads."""

import threading
from collections.abc import Iterator

import pytest
from engineio import packet
from engineio.exceptions import SocketIsClosedError

from driver_bridge.connection.engine_socket import (
    MAX_UNREAD_PACKETS,
    Engine3Socket,
    PacketSocket,
    PongingSocket,
)
from driver_bridge.connection.simulator_server import HEARTBEAT, Heartbeat, SimulatorServer


@pytest.fixture(params=[PongingSocket, Engine3Socket])
def connection(request: pytest.FixtureRequest) -> Iterator[PongingSocket]:
    """Return the socket of a client."""
    server = SimulatorServer(HEARTBEAT, async_mode="threading", monitor_clients=False)
    connection = request.param.adopt(PongingSocket(server.eio, "client"))
    server.eio.sockets["client"] = connection
    yield connection
    connection.close(abort=True)


def test_a_client_that_never_reads_is_disconnected(connection: PongingSocket) -> None:
    for number in range(MAX_UNREAD_PACKETS):
        connection.receive(packet.Packet(packet.PING, str(number)))
    assert not connection.closed
    connection.receive(packet.Packet(packet.PING, ""))
    assert connection.closed
    assert connection.queue.qsize() == MAX_UNREAD_PACKETS + 1  # and the packet that closes


def test_a_disconnected_client_is_not_heard_again(connection: PongingSocket) -> None:
    connection.close(abort=True)
    with pytest.raises(SocketIsClosedError):
        connection.receive(packet.Packet(packet.MESSAGE, '2["telemetry",null]'))
    connection.send(packet.Packet(packet.MESSAGE, "late"))  # an answer that is sent too late


def test_closing_does_not_wait_for_a_client_that_reads_nothing(connection: PongingSocket) -> None:
    connection.send(packet.Packet(packet.MESSAGE, "unread"))
    connection.server.disconnect("client")  # the library asks to wait
    assert connection.closed


def test_a_refused_client_is_reported_once(
    connection: PongingSocket, caplog: pytest.LogCaptureFixture
) -> None:
    connection.refuse("nonsense", "x" * 1000 + "\n")
    connection.refuse("more nonsense")
    assert [record.message for record in caplog.records] == [
        "a client is disconnected. It sent nonsense: got '" + "x" * 79
    ]


def test_the_type_of_a_binary_packet_of_engine_io_3_is_removed() -> None:
    received: list[object] = []
    server = SimulatorServer(HEARTBEAT, async_mode="threading", monitor_clients=False)
    server.eio.on("message", lambda _, data: received.append(data))
    connection = Engine3Socket.adopt(PongingSocket(server.eio, "client"))
    connection.receive(packet.Packet(packet.MESSAGE, b"\x04\x01\x02"))
    assert received == [b"\x01\x02"]
    with pytest.raises(SocketIsClosedError):
        connection.receive(packet.Packet(packet.MESSAGE, b"\x01\x02"))
    assert connection.refused


class LateSocket:
    """A websocket on which nothing comes in time at first."""

    socket = None

    def __init__(self) -> None:
        self.times = 0

    def wait(self) -> str:
        self.times += 1
        if self.times < 3:
            raise TimeoutError
        return "3"

    def send(self, message: str | bytes) -> None:
        raise AssertionError

    def close(self) -> None:
        raise AssertionError


def test_a_websocket_is_read_on_while_its_client_lives() -> None:
    """The library's time limit passes also where the bridge stood still."""
    late, dead = LateSocket(), LateSocket()
    assert PacketSocket(late, pytest.fail, lambda: True).wait() == "3"
    with pytest.raises(TimeoutError):
        PacketSocket(dead, pytest.fail, lambda: False).wait()
    assert (late.times, dead.times) == (3, 1)


def test_a_poll_waits_on_while_its_client_lives() -> None:
    hasty = Heartbeat(interval_s=0.01, timeout_s=0.05)
    server = SimulatorServer(hasty, async_mode="threading", monitor_clients=False)
    connection = PongingSocket.adopt(PongingSocket(server.eio, "client"))
    connection.last_ping = None  # there was no PING that it could miss
    answer = packet.Packet(packet.MESSAGE, "late")
    timer = threading.Timer(0.3, connection.send, [answer])
    timer.start()
    assert connection.poll() == [answer]
    timer.join()
