"""Tests of the bridge's connections: bounded in number, in bytes and in time, whoever holds them.

The bridges here may open 256 files, as is usual on a Mac. They have 128 places, of which this
machine's address may take 64.
"""

import base64
import json
import resource
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import httpx
import pytest
import websocket
from support.services.answering import Answers
from support.services.driving import JPEG, bridge, drive, patient_bridge, unity

from driver_bridge.app import MAX_MESSAGE_BYTES
from simulator.unity.client import PATH

pytestmark = pytest.mark.usefixtures("healthy")

FILES = 256
PLACES = 64
TELEMETRY = "42" + json.dumps(
    ["telemetry", {"speed": "9.0000", "image": base64.b64encode(JPEG).decode()}]
)


@contextmanager
def few_files() -> Iterator[None]:
    """Let the processes that are started meanwhile open few files."""
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (FILES, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)


@pytest.fixture(scope="module")
def port(inference: Answers) -> Iterator[int]:
    with ExitStack() as stack:
        with few_files():
            port = stack.enter_context(patient_bridge(inference.url))
        yield port


def connect(port: int, raw: bytes = b"") -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", port), timeout=60)
    connection.sendall(raw)
    return connection


def dial(port: int) -> websocket.WebSocket:
    return websocket.create_connection(
        f"ws://127.0.0.1:{port}{PATH}", timeout=60, suppress_origin=True
    )


def ask(port: int, raw: bytes) -> str:
    """Return the status line and all else that is answered until the connection is closed."""
    with connect(port, raw) as connection:
        answer = b""
        with suppress(ConnectionResetError):
            while part := connection.recv(65_536):
                answer += part
    return answer.decode()


def health(port: int) -> int:
    return httpx.get(f"http://127.0.0.1:{port}/healthz", timeout=60).status_code


def hang_up(connection: websocket.WebSocket) -> None:
    """Close a websocket that another thread reads; it may be closed already."""
    with suppress(OSError, AttributeError):
        connection.sock.shutdown(socket.SHUT_RDWR)
    connection.shutdown()


@contextmanager
def ponging(port: int, count: int) -> Iterator[None]:
    """Hold websockets that answer the PINGs of both protocols and send nothing else."""
    ended = threading.Event()

    def answer(connection: websocket.WebSocket) -> None:
        with suppress(OSError, websocket.WebSocketException):
            while not ended.is_set():
                if connection.recv() == "2":
                    connection.send("3")

    with ExitStack() as stack:
        stack.callback(ended.set)
        for _ in range(count):
            connection = dial(port)
            stack.callback(hang_up, connection)
            thread = threading.Thread(target=answer, args=(connection,), daemon=True)
            thread.start()
        yield


def test_websockets_that_answer_pings_keep_nobody_out(port: int) -> None:
    with unity(port) as simulator:
        assert drive(simulator) == 0.25
        with ponging(port, 2 * PLACES):
            assert health(port) == 200
            with unity(port) as another:
                assert drive(another) == 0.25
        assert drive(simulator) == 0.25  # over the connection that it had all the time
    text = httpx.get(f"http://127.0.0.1:{port}/metrics").text
    assert "lapwing_bridge_evicted_total " in text
    assert "lapwing_bridge_evicted_total 0.0" not in text


@pytest.mark.parametrize("sent", [b"", b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nA"])
def test_half_sent_requests_keep_nobody_out(port: int, sent: bytes) -> None:
    with ExitStack() as stack:
        for _ in range(2 * PLACES):
            stack.enter_context(connect(port, sent))
        assert health(port) == 200
        with unity(port) as simulator:
            assert drive(simulator) == 0.25


def test_long_polls_that_wait_keep_nobody_out(port: int) -> None:
    """They wait for an answer and not for their socket."""
    address = f"http://127.0.0.1:{port}/socket.io/?EIO=4&transport=polling"
    with ExitStack() as stack:
        client = stack.enter_context(httpx.Client())
        for _ in range(PLACES + 20):
            sid = json.loads(client.get(address).text[1:])["sid"]
            request = f"GET /socket.io/?EIO=4&transport=polling&sid={sid} HTTP/1.1\r\n"
            stack.enter_context(connect(port, f"{request}Host: 127.0.0.1\r\n\r\n".encode()))
        with unity(port) as simulator:
            assert drive(simulator) == 0.25
        assert health(port) == 200


def test_simulators_that_drive_keep_their_places_and_health_has_its_own(port: int) -> None:
    with ExitStack() as stack:
        driving = []
        for _ in range(PLACES):
            connection = dial(port)
            stack.callback(connection.shutdown)
            connection.send('42["telemetry",null]')
            driving.append(connection)
        for connection in driving:
            while not str(connection.recv()).startswith('42["manual"'):
                pass
        assert health(port) == 200
        with pytest.raises(websocket.WebSocketBadStatusException, match="503"):
            dial(port)
        for connection in driving:
            connection.send('42["telemetry",null]')
        for connection in driving:
            while not str(connection.recv()).startswith('42["manual"'):
                pass
    # The bridge needs a moment to see that they have all left.
    deadline = time.monotonic() + 60
    while httpx.get(f"http://127.0.0.1:{port}/socket.io/").status_code == 503:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    with unity(port) as simulator:
        assert drive(simulator) == 0.25


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        (b"GET /healthz HTTP/1.1\r\nA: " + b"x" * 100_000, "400"),
        (b"GET /healthz HTTP/1.1\r\n" + b"A: xxxxxxxxxxxxxxxxxxxxxxxxxx\r\n" * 3000, "431"),
        (b"GET /" + b"x" * 100_000, "414"),
    ],
)
def test_headers_that_are_too_long_are_refused(port: int, raw: bytes, status: str) -> None:
    answer = ask(port, raw)
    assert answer == "" or answer.startswith(("HTTP/1.0", "HTTP/1.1"))
    assert status in answer.partition("\r\n")[0] or answer == ""
    assert health(port) == 200


def test_bodies_are_bounded(port: int) -> None:
    post = "POST /socket.io/?EIO=4&transport=polling HTTP/1.1\r\nHost: 127.0.0.1\r\n"
    large = f"{post}Content-Length: {MAX_MESSAGE_BYTES + 1}\r\nConnection: close\r\n\r\n"
    assert ask(port, large.encode()).startswith("HTTP/1.1 413 ")
    chunked = f"{post}Transfer-Encoding: chunked\r\n\r\n"
    assert ask(port, chunked.encode()).startswith("HTTP/1.1 411 ")


def test_an_error_of_a_request_is_answered_without_a_traceback(port: int) -> None:
    with ExitStack() as stack:
        connection = dial(port)
        stack.callback(connection.shutdown)
        connection.send("abc")
        with suppress(OSError, websocket.WebSocketException):
            while text := connection.recv():
                assert "Traceback" not in str(text)
    with connect(port, b"GET \xff HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n") as raw:
        assert b"Traceback" not in raw.recv(65_536)


@pytest.mark.parametrize(
    ("host", "origin", "status"),
    [
        ("evil.example:4567", None, 421),
        ("evil.example", "http://evil.example", 421),  # DNS rebinding
        ("127.0.0.1:4567", "http://evil.example", 403),
        ("127.0.0.1:4567", None, 101),
        ("friend.example", None, 101),
        ("127.0.0.1:4567", "https://page.example", 101),
    ],
)
@pytest.mark.parametrize("path", [PATH, "/healthz", "/metrics"])
def test_a_hostile_page_can_neither_drive_nor_read_nor_leave_frames(
    inference: Answers, tmp_path_factory: pytest.TempPathFactory, host: str, origin: str | None,
    status: int, path: str, guarded: tuple[int, Path],
) -> None:  # fmt: skip
    port, folder = guarded
    request = (
        f"GET {path} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
    )
    if origin:
        request += f"Origin: {origin}\r\n"
    before = len(list(folder.rglob("*.jpg")))
    with connect(port, f"{request}\r\n".encode()) as raw:
        answer = raw.recv(65_536).decode("latin-1")  # a frame may follow at once
        expected = 200 if status == 101 and path != PATH else status
        assert answer.startswith(f"HTTP/1.1 {expected} ")
        if status != 101:
            with suppress(OSError):
                raw.sendall(websocket.ABNF.create_frame(TELEMETRY, 1).format())
    assert len(list(folder.rglob("*.jpg"))) == before


@pytest.fixture(scope="module")
def guarded(
    inference: Answers, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[int, Path]]:
    """Return a bridge that records, with a name and a page that are allowed."""
    folder = tmp_path_factory.mktemp("drives")
    with bridge(
        inference.url,
        "--record",
        str(folder),
        LAPWING_ALLOWED_HOSTS="friend.example",
        LAPWING_CORS_ORIGINS="https://page.example",
    ) as port:
        yield port, folder


@pytest.mark.soak
@pytest.mark.parametrize(
    "sent",
    [
        b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nA: ",
        b"POST /socket.io/?EIO=4&transport=polling HTTP/1.1\r\nHost: 127.0.0.1\r\n"
        b"Content-Length: 1000\r\n\r\n",
    ],
)
def test_a_request_that_drips_is_cut_off(port: int, sent: bytes) -> None:
    began = time.monotonic()
    with connect(port, sent) as connection:
        connection.settimeout(0.2)
        while time.monotonic() - began < 20:
            with suppress(TimeoutError):
                if not connection.recv(1000):
                    break
            try:
                connection.sendall(b"x")
            except OSError:
                break
    assert 9 < time.monotonic() - began < 15


@pytest.mark.soak
def test_a_silent_websocket_is_closed_after_a_minute(port: int) -> None:
    began = time.monotonic()
    connection = dial(port)
    with suppress(websocket.WebSocketConnectionClosedException):
        while text := connection.recv():
            if text == "2":
                connection.send("3")
    connection.shutdown()
    assert 55 < time.monotonic() - began < 75
