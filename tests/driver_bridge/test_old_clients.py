"""Tests that clients of Socket.IO 1 and 2 are driven, with requests as their libraries write them.

They were captured from python-socketio 4.6.1 with python-engineio 3.14.2, which cannot be installed
beside today's, and from socket.io-client 1.7.4 and 2.5.0, of which test_clients.py runs the latter.
"""

import base64
import json

import pytest
from support.services.driving import JPEG
from support.services.logged_bridge import Polling, dial

pytestmark = pytest.mark.usefixtures("healthy")

POLLING = {
    "python": "/socket.io/?transport=polling&EIO=3",
    "javascript": "/socket.io/?EIO=3&transport=polling&t=Q8PwYFS&b64=1",
}
WEBSOCKET = "/socket.io/?EIO=3&transport=websocket"
TELEMETRY = {"speed": "9.0000", "image": base64.b64encode(JPEG).decode()}
EVENT = "42" + json.dumps(["telemetry", TELEMETRY], separators=(",", ":"))


def payload(client: str, *packets: str) -> bytes:
    """Return a payload as a client writes it: with digits as bytes, or as text."""
    if client == "javascript":
        return "".join(f"{len(packet)}:{packet}" for packet in packets).encode()
    body = b""
    for packet in packets:
        body += b"\x00" + bytes(map(int, str(len(packet)))) + b"\xff" + packet.encode()
    return body


def packets(text: str) -> list[str]:
    """Return the packets of a payload, which has ASCII text only."""
    found = []
    while text:
        length, _, rest = text.partition(":")
        found.append(rest[: int(length)])
        assert len(found[-1]) == int(length)
        text = rest[int(length) :]
    return found


def steering(packet: str) -> float:
    event, command = json.loads(packet.removeprefix("42"))
    assert event == "steer"
    return float(command["steering_angle"])


@pytest.mark.parametrize("client", POLLING)
def test_a_client_that_polls_is_driven(port: int, client: str) -> None:
    with Polling(port, POLLING[client]) as session:
        opened, connected = packets(session.opened.text)
        assert json.loads(opened.removeprefix("0"))["upgrades"] == ["websocket"]
        assert connected == "40"  # without data, which these clients would take for an error
        assert session.post(payload(client, EVENT, "2")).text == "ok"
        answers: list[str] = []
        while len(answers) < 2:
            answers += packets(session.get().text)
        assert answers[0] == "3"
        assert steering(answers[1]) == 0.25
        assert session.post(payload(client, "41", "1")).text == "ok"
        assert session.get().status_code == 400


def test_a_client_with_a_websocket_is_driven(port: int) -> None:
    with dial(port, WEBSOCKET) as connection:
        assert connection.recv().startswith("0{")
        assert connection.recv() == "40"
        for message, answer in [("2", "3"), ("40", "40"), ("421" + EVENT[2:], "431[]")]:
            connection.send(message)
            assert connection.recv() == answer
        assert steering(connection.recv()) == 0.25
        connection.send("40/chat")
        assert connection.recv() == '44/chat,{"message":"Invalid namespace"}'


def test_a_client_that_upgrades_is_driven(port: int) -> None:
    with Polling(port, POLLING["javascript"]) as session:
        assert packets(session.opened.text)[1] == "40"
        with dial(port, f"{WEBSOCKET}&sid={session.sid}") as connection:
            connection.send("2probe")
            assert connection.recv() == "3probe"
            assert session.get().text == "1:6"
            connection.send("5")
            connection.send(EVENT)
            assert steering(connection.recv()) == 0.25


def test_bytes_are_sent_with_their_type(port: int) -> None:
    """A message in bytes begins with the byte 4; in text its base64 follows the character 4."""
    event = '451-["telemetry",{"_placeholder":true,"num":0}]'
    with dial(port, WEBSOCKET) as connection:
        assert [connection.recv()[:2] for _ in range(2)] == ["0{", "40"]
        connection.send(event)
        connection.send_binary(b"\x04\x01\x02")
        assert connection.recv().startswith('42["steer"')
    with Polling(port, POLLING["javascript"]) as session:
        assert session.post(payload("javascript", event, "b4AQI=")).text == "ok"
        assert packets(session.get().text)[0].startswith('42["steer"')


@pytest.mark.parametrize(
    "body", [b"abc", b"3:2", b"\x00\x02\xff2", b"2:4x", b"5:b4!!!", b"2:4\x1e"]
)
def test_a_malformed_body_ends_its_session(port: int, body: bytes) -> None:
    with Polling(port, POLLING["javascript"]) as session:
        assert session.post(body).status_code == 400
        assert session.get().status_code == 400
