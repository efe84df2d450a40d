"""Tests of Socket.IO 5 as its public protocol describes it, by a bare websocket.

They ask what the protocol's own test suite asks. docs/protocol.md lists what is not asked, and why.
"""

import base64
import json
from collections.abc import Iterator

import pytest
import websocket
from support.services.driving import JPEG
from support.services.logged_bridge import dial

pytestmark = pytest.mark.usefixtures("healthy")

TELEMETRY = {"speed": "9.0000", "image": base64.b64encode(JPEG).decode()}
EVENT = json.dumps(["telemetry", TELEMETRY])


@pytest.fixture
def opened(port: int) -> Iterator[websocket.WebSocket]:
    """Return a websocket after the handshake of Engine.IO."""
    with dial(port) as connection:
        assert connection.recv().startswith("0{")
        yield connection


@pytest.fixture
def connected(opened: websocket.WebSocket) -> websocket.WebSocket:
    """Return a websocket that is connected to the root namespace."""
    opened.send("40")
    assert opened.recv().startswith('40{"sid":')
    return opened


def is_driven(connection: websocket.WebSocket) -> bool:
    connection.send(f"42{EVENT}")
    event, command = json.loads(connection.recv().removeprefix("42"))
    return (event, command["steering_angle"]) == ("steer", "0.250000")


@pytest.mark.parametrize(
    "connect", ["40", "40/,", "40{}", '40{"token":"123"}', '40{"token":{"deep":[1,null]}}']
)
def test_a_client_connects_with_or_without_auth(opened: websocket.WebSocket, connect: str) -> None:
    opened.send(connect)
    answer = opened.recv()
    assert answer.startswith("40")
    assert json.loads(answer[2:]).keys() == {"sid"}
    assert is_driven(opened)


@pytest.mark.parametrize("connect", ["40/random", "40/random,", '40/random,{"token":"abc"}'])
def test_an_unknown_namespace_is_refused_and_the_connection_stays(
    opened: websocket.WebSocket, connect: str
) -> None:
    opened.send(connect)
    assert opened.recv() == '44/random,{"message":"Invalid namespace"}'
    opened.send("40")
    assert opened.recv().startswith('40{"sid":')
    assert is_driven(opened)


def test_a_second_connect_is_answered_with_the_same_name(connected: websocket.WebSocket) -> None:
    connected.send("40")
    first = connected.recv()
    connected.send("40")
    assert connected.recv() == first
    assert is_driven(connected)


def test_a_client_leaves_the_namespace_and_keeps_its_connection(
    connected: websocket.WebSocket,
) -> None:
    connected.send("41")
    connected.send("2")
    assert connected.recv() == "3"
    connected.send("40")
    assert connected.recv().startswith('40{"sid":')
    assert is_driven(connected)


def test_an_event_is_acknowledged_with_its_number(connected: websocket.WebSocket) -> None:
    connected.send(f"42456{EVENT}")
    assert connected.recv() == "43456[]"
    assert connected.recv().startswith('42["steer"')


@pytest.mark.parametrize("event", ['42["message",1,"2",{"3":[true]}]', "42[7]", '423["message"]'])
def test_an_event_that_nobody_handles_is_ignored(
    connected: websocket.WebSocket, event: str
) -> None:
    connected.send(event)
    assert is_driven(connected)


@pytest.mark.parametrize("acknowledgement", ["43[]", '43456[1,"2"]', "431[]"])
def test_an_acknowledgement_that_nobody_asked_for_is_ignored(
    connected: websocket.WebSocket, acknowledgement: str
) -> None:
    connected.send(acknowledgement)
    assert is_driven(connected)


def test_an_event_with_attachments_is_read_and_acknowledged(
    connected: websocket.WebSocket,
) -> None:
    """Its image is bytes and not base64 text, so it is answered, but not with a steering."""
    image = {"_placeholder": True, "num": 1}
    event = ["telemetry", {**TELEMETRY, "image": image, "other": {**image, "num": 0}}]
    connected.send(f"452-789{json.dumps(event)}")
    connected.send_binary(b"\x01\x02")
    connected.send_binary(JPEG)
    assert connected.recv() == "43789[]"
    assert connected.recv().startswith('42["steer",{"steering_angle":"0.000000"')
    assert is_driven(connected)
