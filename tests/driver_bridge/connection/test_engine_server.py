"""Tests of the bound on clients that begin with long polling."""

import pytest

from driver_bridge.connection.engine_server import MAX_POLLING_CLIENTS
from driver_bridge.connection.engine_socket import PongingSocket
from driver_bridge.connection.simulator_server import HEARTBEAT, SimulatorServer


@pytest.mark.parametrize("version", [3, 4])
@pytest.mark.parametrize("polling", ["polling", "%70olling"])
def test_handshakes_for_polling_are_refused_above_the_limit_and_websockets_are_not(
    version: int, polling: str
) -> None:
    server = SimulatorServer(HEARTBEAT, async_mode="threading", monitor_clients=False)
    statuses: list[str] = []

    def ask(transport: str) -> bytes:
        environ = {
            "REQUEST_METHOD": "GET",
            "QUERY_STRING": f"EIO={version}&transport={transport}",
        }
        return b"".join(server.handle_request(environ, lambda status, _: statuses.append(status)))

    for number in range(MAX_POLLING_CLIENTS - 1):
        server.eio.sockets[str(number)] = PongingSocket(server.eio, str(number))
    ask(polling)
    assert b"begin with a websocket" in ask(polling)
    assert b"Invalid websocket upgrade" in ask("websocket")  # it was looked at: it has no headers
    assert [status[:3] for status in statuses] == ["200", "503", "400"]
