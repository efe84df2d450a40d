"""Tests of the requests that are refused before the library looks at them."""

import io

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


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_session_that_was_closed_but_is_still_known_does_not_exist(method: str) -> None:
    """The library forgets it a moment later, and until then answers a POST with 500."""
    server = SimulatorServer(HEARTBEAT, async_mode="threading", monitor_clients=False)
    server.eio.sockets["client"] = PongingSocket.adopt(PongingSocket(server.eio, "client"))
    server.eio.sockets["client"].close()
    assert server.eio.sockets["client"].closed
    statuses: list[str] = []
    environ = {
        "REQUEST_METHOD": method,
        "QUERY_STRING": "EIO=4&transport=polling&sid=client",
        "CONTENT_LENGTH": "1",
        "wsgi.input": io.BytesIO(b"2"),
    }
    body = b"".join(server.handle_request(environ, lambda status, _: statuses.append(status)))
    assert statuses == ["400 Bad Request"]
    assert b"there is no such session" in body
