"""Tests the client against a bare server, with each special case of docs/protocol.md."""

import base64
import json
import os
import socket
from pathlib import Path

import pytest
from support.data import samples
from support.services import scripted
from support.services.scripted import Peer

from contract.errors import ServiceError, TelemetryError
from simulator.unity.client import UnityClient
from simulator.unity.number_format import find_locale

STEER = '42["steer",{"steering_angle":"0.5","throttle":"-0.25"}]'


def client(url: str, name: str = "en-US", timeout_s: float = 2.0) -> UnityClient:
    return UnityClient(url, find_locale(name), timeout_s)


def test_it_connects_to_the_built_in_path_without_an_origin() -> None:
    requests: list[bytes] = []
    with scripted.bridge(lambda peer: requests.append(peer.request)) as url:
        client(url).close()
    assert requests[0].startswith(b"GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\n")
    assert b"origin" not in requests[0].lower()


def test_it_pings_first_and_never_connects() -> None:
    heard: list[str] = []

    def listen(peer: Peer) -> None:
        while text := peer.hear():
            heard.append(text)

    with scripted.bridge(listen) as url, client(url) as simulator:
        simulator.send_telemetry(0.5, 0.25, 1234.5, b"\xff\xd8")
        simulator.send_manual()
    assert heard[0] == "2"
    assert not any(text.startswith("40") for text in heard)
    assert json.loads(heard[1][2:]) == [
        "telemetry",
        {"steering_angle": "12.5000", "throttle": "0.2500", "speed": "1,234.5000", "image": "/9g="},
    ]
    assert heard[2] == '42["telemetry",null]'


@pytest.mark.parametrize("size", [4, 1015, 1016, 1017, 2032, 2033, 18000])
@pytest.mark.parametrize("whole", [False, True])
def test_it_sends_in_the_fragments_of_websocket_sharp(size: int, whole: bool) -> None:
    """Only the last fragment of a message may be shorter than 1,016 bytes."""
    heard: list[str] = []
    frames: list[tuple[int, int]] = []
    text = "42é" + "x" * (size - 4)

    def listen(peer: Peer) -> None:
        assert peer.hear() == "2"
        peer.frames.clear()
        heard.append(peer.hear())
        frames.extend(peer.frames)

    with (
        scripted.bridge(listen) as url,
        UnityClient(url, find_locale("en-US"), whole_messages=whole) as simulator,
    ):
        simulator.send(text)
    count, rest = (0, size) if whole else divmod(size, 1016)
    sizes = [1016] * count + [rest] * (rest > 0)
    heads = [0x01] + [0x00] * (len(sizes) - 1)  # a text frame and its continuations
    heads[-1] |= 0x80  # the end of the message
    assert heard == [text]
    assert frames == list(zip(heads, sizes, strict=True))


@pytest.mark.parametrize("whole", [False, True])
def test_nagles_algorithm_is_on_as_in_the_real_client(whole: bool) -> None:
    with (
        scripted.bridge(_listen) as url,
        UnityClient(url, find_locale("en-US"), whole_messages=whole),
    ):
        assert _sends_without_delay(int(url.rpartition(":")[2])) is whole


def _sends_without_delay(port: int) -> bool:
    """Return TCP_NODELAY of this process's connection to a port, as the kernel knows it."""
    for path in Path("/proc/self/fd").iterdir():
        if not path.is_socket():
            continue
        with socket.socket(fileno=os.dup(int(path.name))) as each:
            try:
                peer = each.getpeername()
            except OSError:  # it is not connected
                continue
            if each.family == socket.AF_INET and peer[1] == port:
                return bool(each.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
    raise AssertionError(f"no connection to port {port}")


def test_it_answers_a_ping_with_a_pong() -> None:
    def ping(peer: Peer) -> None:
        assert peer.hear() == "2"
        peer.say("2")
        peer.say(STEER)
        assert peer.hear() == "3"

    with scripted.bridge(ping) as url, client(url) as simulator:
        assert simulator.command() is not None


def test_it_ignores_unknown_packets() -> None:
    def talk(peer: Peer) -> None:
        for text in ('0{"sid":"x"}', '40{"sid":"y"}', "3", '42["other",{}]', STEER):
            peer.say(text)
        peer.hear()

    with scripted.bridge(talk) as url, client(url) as simulator:
        command = simulator.command()
        assert command is not None
        assert (command.steering, command.throttle) == (0.5, -0.25)


def test_manual_driving_is_its_own_command() -> None:
    with scripted.bridge(lambda peer: peer.say('42["manual",{}]')) as url, client(url) as simulator:
        command = simulator.command()
        assert command is not None
        assert command.manual


def test_a_german_simulator_reads_a_point_as_full_lock() -> None:
    text = '42["steer",{"steering_angle":"0.1","throttle":"0,5"}]'
    with scripted.bridge(lambda peer: peer.say(text)) as url, client(url, "de-DE") as simulator:
        command = simulator.command()
        assert command is not None
        assert (command.steering, command.throttle) == (1.0, 0.5)


@pytest.mark.parametrize("value", ["0.1", "null"])
def test_a_number_that_is_not_a_string_is_refused(value: str) -> None:
    text = f'42["steer",{{"steering_angle":{value},"throttle":"0"}}]'
    with (
        scripted.bridge(lambda peer: peer.say(text)) as url,
        client(url) as simulator,
        pytest.raises(TelemetryError, match="steering_angle is not a JSON string"),
    ):
        simulator.command()


def test_no_command_comes_from_a_silent_bridge() -> None:
    with (
        scripted.bridge(lambda peer: _listen(peer)) as url,
        client(url, timeout_s=0.1) as simulator,
    ):
        assert simulator.command() is None


def test_a_bridge_that_closes_the_connection_is_an_error() -> None:
    with (
        scripted.bridge(lambda peer: None) as url,
        client(url) as simulator,
        pytest.raises(ServiceError, match="the bridge closed the connection"),
    ):
        simulator.command()


def _listen(peer: Peer) -> None:
    while peer.hear():
        pass


@pytest.mark.parametrize("name", ["en-US", "de-DE"])
def test_it_sends_the_bytes_of_the_real_client(name: str) -> None:
    """The test sends the telemetries of captured conversations of Udacity's own client again."""
    marks = find_locale(name)
    lines = samples.shared("protocol", f"{name}.jsonl").read_text().splitlines()
    packets = [json.loads(line) for line in lines]
    sent = [packet["data"] for packet in packets if packet["from"] == "client" and "data" in packet]
    sent = [text for text in sent if text.startswith("42")]
    heard: list[str] = []

    def listen(peer: Peer) -> None:
        while text := peer.hear():
            heard.append(text)

    with scripted.bridge(listen) as url, client(url, name) as simulator:
        for text in sent:
            _, payload = json.loads(text[2:])
            if payload is None:
                simulator.send_manual()
                continue
            steering, throttle, speed = (
                marks.parse(payload[field]) for field in ("steering_angle", "throttle", "speed")
            )
            simulator.send_telemetry(
                steering / 25, throttle, speed, base64.b64decode(payload["image"])
            )
    assert heard == ["2", *sent]
    assert '42["telemetry",null]' in sent
