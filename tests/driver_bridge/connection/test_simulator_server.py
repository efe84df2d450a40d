"""Tests of the server of simulators, without threads."""

import time

import pytest
from engineio import packet

from driver_bridge.connection.engine_socket import Engine3Socket, PongingSocket
from driver_bridge.connection.simulator_server import Heartbeat, SimulatorServer

SILENCE_S = 60.0


@pytest.mark.parametrize("kind", [PongingSocket, Engine3Socket])
def test_a_client_that_never_sends_a_telemetry_is_disconnected_and_one_that_did_is_not(
    kind: type[PongingSocket],
) -> None:
    """It answers PINGs all the while, and sends its own."""
    heartbeat = Heartbeat(silence_s=SILENCE_S)
    server = SimulatorServer(heartbeat, async_mode="threading", monitor_clients=False)
    connection = kind.adopt(PongingSocket(server.eio, "client"))
    server.eio.sockets["client"] = connection
    now_s = time.monotonic()
    connection.opened_s = now_s - SILENCE_S + 5
    assert server.close_silent() == 0
    connection.opened_s = now_s - SILENCE_S - 1
    connection.receive(packet.Packet(packet.PING, ""))
    connection.mark_driving()
    assert server.close_silent() == 0
    connection.driving = False
    connection.receive(packet.Packet(packet.PONG))
    assert server.close_silent() == 1
    assert connection.closed
    assert server.close_silent() == 0


def test_a_client_is_disconnected_and_may_have_left_before() -> None:
    server = SimulatorServer(Heartbeat(), async_mode="threading", monitor_clients=False)
    connection = PongingSocket.adopt(PongingSocket(server.eio, "client"))
    server.eio.sockets["client"] = connection
    sid = server.manager.connect("client", "/")
    server.hang_up(sid)
    assert connection.closed
    del server.eio.sockets["client"]
    server.hang_up(sid)
