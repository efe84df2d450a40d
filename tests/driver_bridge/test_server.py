"""Tests of the bridge, seen by a simulator: its own process, real sockets, the real dialect."""

import base64
import contextlib
import json
import re
import socket
import statistics
import time
from collections.abc import Iterator

import httpx
import pytest
import websocket
from support.data import samples
from support.services.driving import JPEG, drive, unity

from contract.errors import ServiceError
from simulator.unity.client import PATH, UnityClient

pytestmark = pytest.mark.usefixtures("healthy")

TELEMETRY = {
    "steering_angle": "0.0000",
    "throttle": "0.0000",
    "speed": "9.0000",
    "image": base64.b64encode(JPEG).decode(),
}


def counted(port: int, name: str) -> float:
    """Return the value of a counter of the bridge."""
    text = httpx.get(f"http://127.0.0.1:{port}/metrics").text
    values = re.findall(rf"^lapwing_bridge_{re.escape(name)} (\S+)$", text, re.MULTILINE)
    return float(values[0])


def test_the_simulator_is_driven_although_it_never_sends_connect(simulator: UnityClient) -> None:
    assert drive(simulator) == 0.25


def test_the_ping_of_a_simulator_is_answered(port: int) -> None:
    with contextlib.closing(
        websocket.create_connection(f"ws://127.0.0.1:{port}{PATH}", timeout=60)
    ) as connection:
        assert connection.recv().startswith("0{")
        connection.send("2")
        assert connection.recv() == "3"


FRAGMENT_BYTES = 1016
"""Size of the fragments in which the library of the real client, websocket-sharp, sends."""


@pytest.fixture
def fragmenting(port: int) -> Iterator[websocket.WebSocket]:
    """Return a websocket with Nagle's algorithm, as the real client has."""
    connection = websocket.create_connection(
        f"ws://127.0.0.1:{port}{PATH}",
        timeout=60,
        suppress_origin=True,
        sockopt=((socket.IPPROTO_TCP, socket.TCP_NODELAY, 0),),
    )
    yield connection
    connection.shutdown()


def send_fragments(connection: websocket.WebSocket, pause_s: float = 0.0) -> None:
    """Send a telemetry in fragments, with a pause after the first of them."""
    text = ("42" + json.dumps(["telemetry", TELEMETRY | {"padding": "x" * 9000}])).encode()
    starts = range(0, len(text), FRAGMENT_BYTES)
    for start in starts:
        fragment = text[start : start + FRAGMENT_BYTES]
        opcode = websocket.ABNF.OPCODE_CONT if start else websocket.ABNF.OPCODE_TEXT
        connection.send_frame(
            websocket.ABNF.create_frame(fragment, opcode, fin=int(start == starts[-1]))
        )
        if not start:
            time.sleep(pause_s)


def await_steer(connection: websocket.WebSocket) -> None:
    while not str(connection.recv()).startswith('42["steer"'):
        pass


def test_fragments_are_acknowledged_at_once(fragmenting: websocket.WebSocket) -> None:
    """The kernel delays the acknowledgement by 40 ms, once a connection is some messages old."""
    until = time.monotonic() + 60
    times_s: list[float] = []
    while min(times_s[10:], default=1.0) >= 0.035:  # another process may be in the way
        began = time.monotonic()
        assert began < until, sorted(times_s[10:])[:5]
        send_fragments(fragmenting)
        await_steer(fragmenting)
        times_s.append(time.monotonic() - began)


def test_the_age_of_a_frame_counts_from_its_first_fragment(
    port: int, fragmenting: websocket.WebSocket
) -> None:
    send_fragments(fragmenting, pause_s=0.2)
    await_steer(fragmenting)
    one = httpx.get(f"http://127.0.0.1:{port}/healthz").json()["simulators"][-1]
    assert one["frame_age_ms"]["p50"] >= 200


def send_two(client: UnityClient) -> None:
    """Send two telemetries so that nothing can come between them."""
    text = "42" + json.dumps(["telemetry", TELEMETRY])
    frame: bytes = websocket.ABNF.create_frame(text, websocket.ABNF.OPCODE_TEXT).format()
    client._socket.sock.sendall(2 * frame)


def test_two_telemetries_that_are_sent_together_get_one_answer(port: int) -> None:
    with unity(port) as client:
        send_two(client)
        assert client.command() is not None
        assert client.command(0.4) is None


def test_one_of_the_two_loops_that_start_is_left(port: int) -> None:
    """Each answer causes one telemetry; of two telemetries in flight only one loop is left."""
    before = counted(port, "folded_total")
    with unity(port) as client:
        send_two(client)
        for _ in range(30):
            assert client.command() is not None
            client.send_telemetry(0.0, 0.0, 9.0, JPEG)
        assert client.command() is not None
        assert client.command(0.4) is None
    assert counted(port, "folded_total") == before + 1


def loops_left(port: int) -> int:
    """Return the number of loops that are left of two that begin apart."""
    with unity(port) as client:
        client.send_telemetry(0.0, 0.0, 9.0, JPEG)
        time.sleep(0.15)  # longer than the first answer is held
        client.send_telemetry(0.0, 0.0, 9.0, JPEG)
        for _ in range(20):
            assert client.command() is not None
            time.sleep(0.03)
            client.send_telemetry(0.0, 0.0, 9.0, JPEG)
        assert client.command() is not None
        return 1 if client.command(0.3) is None else 2


def test_two_loops_that_take_turns_become_one(port: int) -> None:
    """A busy machine may let them miss each other, but not ten times."""
    assert 1 in (loops_left(port) for _ in range(10))


def test_a_lone_loop_is_delayed_twice_and_never_again(simulator: UnityClient, slack: float) -> None:
    times_s = []
    for _ in range(10):
        began = time.monotonic()
        drive(simulator)
        times_s.append(time.monotonic() - began)
    assert min(times_s[:2]) >= 0.09
    assert max(times_s) < slack * 0.25
    assert statistics.median(times_s[2:]) < slack * 0.02


def test_a_german_simulator_reads_the_right_numbers(port: int) -> None:
    with unity(port, "de-DE") as client:
        assert drive(client) == 0.25


@pytest.mark.parametrize("missing", ["throttle", "steering_angle", "throttle steering_angle"])
@pytest.mark.parametrize(("locale", "speed"), [("en-US", "9.0000"), ("de-DE", "9,0000")])
def test_a_client_that_sends_speed_and_image_alone_is_driven(
    port: int, missing: str, locale: str, speed: str
) -> None:
    """Below the target speed the car is also accelerated, and the client reads the right mark."""
    mark = speed[1]
    fields = {name: value.replace(".", mark) for name, value in TELEMETRY.items()}
    sent = {name: value for name, value in fields.items() if name not in missing.split()}
    before = counted(port, 'answers_total{how="model"}')
    with unity(port, locale) as client:
        client.send(f'42["telemetry",{json.dumps(sent)}]')
        command = client.command()
    assert command is not None
    assert command.steering == 0.25
    assert command.throttle > 0
    assert counted(port, 'answers_total{how="model"}') == before + 1


def test_a_client_that_sends_no_speed_is_braked(port: int) -> None:
    sent = {name: value for name, value in TELEMETRY.items() if name != "speed"}
    with unity(port) as client:
        client.send(f'42["telemetry",{json.dumps(sent)}]')
        command = client.command()
    assert command is not None
    assert command.steering == 0.0
    assert command.throttle == -0.05


def test_mixed_locales_drive_at_once(port: int) -> None:
    with unity(port, "de-DE") as one, unity(port, "en-US") as other:
        assert [drive(client) for client in (one, other, one, other)] == [0.25] * 4


def test_manual_driving_is_answered_with_manual(simulator: UnityClient) -> None:
    simulator.send_manual()
    command = simulator.command()
    assert command is not None
    assert command.manual
    simulator.send('42["telemetry",{}]')
    command = simulator.command()
    assert command is not None
    assert command.manual
    assert drive(simulator) == 0.25


@pytest.mark.parametrize(
    "text",
    [
        '42["telemetry","text"]',
        '42["telemetry",[1]]',
        '42["telemetry",{"speed":"x"}]',
        '42["telemetry"]',
    ],
)
def test_a_malformed_telemetry_is_answered(simulator: UnityClient, text: str) -> None:
    simulator.send(text)
    assert simulator.command() is not None


@pytest.mark.parametrize("text", ["42{not json", "42", "4", "9", "", "x" * 300_000, "451-[]"])
def test_malformed_messages_of_one_client_do_not_disturb_another(port: int, text: str) -> None:
    with unity(port) as good, unity(port) as bad:
        drive(good)
        with contextlib.suppress(ServiceError):  # a message that is too long is not read to its end
            bad.send(text)
        assert drive(good) == 0.25
    with unity(port) as client:
        assert drive(client) == 0.25


def test_a_simulator_that_reconnects_is_driven_again(port: int) -> None:
    for _ in range(20):
        with unity(port) as client:
            assert drive(client) == 0.25


def test_a_standard_socket_io_client_is_driven_too(port: int) -> None:
    """It sends the handshake of Socket.IO 5: CONNECT, its answer, then events."""
    connection = websocket.create_connection(f"ws://127.0.0.1:{port}{PATH}", timeout=60)
    assert connection.recv().startswith("0{")
    connection.send("40")
    assert connection.recv().startswith('40{"sid":')
    connection.send("42" + json.dumps(["telemetry", TELEMETRY]))
    event, answer = json.loads(connection.recv()[2:])
    assert (event, answer["steering_angle"]) == ("steer", "0.250000")
    connection.close()


def test_a_web_page_of_another_origin_may_not_drive(port: int) -> None:
    with pytest.raises(websocket.WebSocketBadStatusException):
        websocket.create_connection(
            f"ws://127.0.0.1:{port}{PATH}", origin="http://evil.example", timeout=3
        )


@pytest.mark.parametrize("name", ["en-US", "de-DE"])
def test_a_captured_conversation_of_the_real_client_is_answered(port: int, name: str) -> None:
    lines = samples.shared("protocol", f"{name}.jsonl").read_text().splitlines()
    messages = [json.loads(line) for line in lines]
    texts = [
        message["data"] for message in messages if message["from"] == "client" and "data" in message
    ]
    telemetries = sum(text.startswith('42["telemetry"') for text in texts)
    connection = websocket.create_connection(
        f"ws://127.0.0.1:{port}{PATH}", timeout=60, suppress_origin=True
    )
    # The real client sends two telemetries at first, which get one answer, then one for each
    # answer.
    loops, answers = 2, 0
    for text in [*texts, ""]:
        while loops == 0 and text[:3] in ("", "42["):
            if connection.recv().startswith(('42["steer"', '42["manual"')):
                loops, answers = 1, answers + 1
        if text:
            connection.send(text)
            loops -= text.startswith("42[")
    connection.close()
    assert answers == telemetries - 1
    assert telemetries > 20


def test_the_pages_show_health_and_counters(
    port: int, simulator: UnityClient, slack: float
) -> None:
    drive(simulator)
    health = httpx.get(f"http://127.0.0.1:{port}/healthz").json()
    assert health["status"] == "ok"
    one = health["simulators"][-1]
    assert (one["answers"], one["target_mph"]) == (1, 15.0)
    assert 0 < one["frame_age_ms"]["p50"] <= one["frame_age_ms"]["p99"] < slack * 250
    ready = httpx.get(f"http://127.0.0.1:{port}/readyz")
    assert (ready.status_code, ready.json()) == (200, {"ready": True, "reason": ""})
    text = httpx.get(f"http://127.0.0.1:{port}/metrics").text
    assert 'lapwing_bridge_answers_total{how="model"}' in text
    assert 'lapwing_bridge_frame_age_seconds{quantile="0.95",simulator="' in text
    assert httpx.get(f"http://127.0.0.1:{port}/nothing").status_code == 404


def test_a_missing_bridge_is_reported_to_the_user_of_the_simulator() -> None:
    with pytest.raises(ServiceError, match="no bridge answers at ws://127"):
        unity(1)
