"""Tests of clients that send too much, too slowly, or do not read, on plain sockets."""

import json
import socket
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from support.data import models, samples
from support.services.serving import predict, refused, serving, settings
from support.waiting import await_true

from contract.models.registry import Registry
from inference.api.bounded_protocol import MAX_HEAD_BYTES, MAX_HEADERS, PIECE_BYTES, Deadlines

GET = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n"
POST = b"POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/jpeg\r\n"
FAR_S = 60
"""A time in seconds that no deadline of the service takes."""


@pytest.fixture(scope="module")
def client(networks: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """Return a client of a service with a model and the usual deadlines."""
    registry = Registry(tmp_path_factory.mktemp("models"))
    models.publish(registry, networks / "right", "job")
    with serving(settings(registry.root, max_body_bytes=100_000)) as client:
        await_true(lambda: client.get("/readyz").status_code == 200)
        yield client


@pytest.fixture(scope="module")
def hurried(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """Return a client of a service with short deadlines for all but heads, and no model."""
    deadlines = Deadlines(head_s=FAR_S, idle_s=0.3, message_s=0.3, unread_s=0.3)
    with serving(settings(tmp_path_factory.mktemp("models")), deadlines=deadlines) as client:
        yield client


@pytest.fixture(scope="module")
def curt(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """Return a client of a service with a short deadline for heads, and no model."""
    deadlines = Deadlines(head_s=0.3)
    with serving(settings(tmp_path_factory.mktemp("models")), deadlines=deadlines) as client:
        yield client


def connect(client: httpx.Client) -> socket.socket:
    return socket.create_connection((client.base_url.host, client.base_url.port or 0), FAR_S)


def send_endlessly(connection: socket.socket, part: bytes, limit: int = 50_000_000) -> int:
    """Send a part over and over until the service closes; return the number of bytes sent."""
    sent = 0
    try:
        while sent < limit:
            connection.sendall(part)
            sent += len(part)
    except (ConnectionResetError, BrokenPipeError):
        pass
    return sent


def answers(client: httpx.Client) -> bool:
    """Return whether the service answers; a busy machine may miss a short deadline of its own."""
    try:
        return client.get("/healthz").status_code == 200
    except httpx.TransportError:
        return False


def until_closed(connection: socket.socket) -> bytes:
    """Return all that the service sends before it closes the connection."""
    received = b""
    try:
        while part := connection.recv(65536):
            received += part
    except ConnectionResetError:
        pass
    return received


@pytest.mark.parametrize("part", [b"a" * 10_000, b"a: b\r\n" * 1000], ids=["value", "headers"])
def test_an_endless_head_is_cut_off(client: httpx.Client, part: bytes) -> None:
    with connect(client) as connection:
        connection.sendall(GET + b"x: ")
        sent = send_endlessly(connection, part)
    assert sent < 20_000_000  # the buffers of the sockets hold more than the service has read
    assert client.get("/healthz").status_code == 200


def test_a_head_that_does_not_end_within_the_limit_is_refused(client: httpx.Client) -> None:
    with connect(client) as connection:
        connection.sendall(GET + b"x: " + b"a" * (MAX_HEAD_BYTES + PIECE_BYTES))
        head, _, body = until_closed(connection).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 431 Request Header Fields Too Large\r\n")
    assert str(MAX_HEADERS) in json.loads(body)["remedy"]


@pytest.mark.parametrize(
    ("size", "status"), [(MAX_HEAD_BYTES // 2, 200), (MAX_HEAD_BYTES, 431), (200_000, 431)]
)
def test_a_head_has_a_size_that_is_the_limit(client: httpx.Client, size: int, status: int) -> None:
    """The last one is complete in one piece of the socket."""
    answer = httpx.get(client.base_url.join("/healthz"), headers={"x": "a" * size})
    assert answer.status_code == status
    if status == 431:
        refused(answer, 431)


@pytest.mark.parametrize(("count", "status"), [(MAX_HEADERS - 10, 200), (MAX_HEADERS, 431)])
def test_headers_are_counted(client: httpx.Client, count: int, status: int) -> None:
    """Httpx adds five of its own."""
    headers = {f"x-{number}": "a" for number in range(count)}
    answer = httpx.get(client.base_url.join("/healthz"), headers=headers)
    assert answer.status_code == status


def test_what_is_no_http_is_refused_in_the_same_form(client: httpx.Client) -> None:
    with connect(client) as connection:
        connection.sendall(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n")  # TLS
        head, _, body = until_closed(connection).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400 Bad Request\r\n")
    assert set(json.loads(body)) == {"error", "got", "remedy"}


@pytest.mark.parametrize(
    ("begin", "part"),
    [
        (POST + b"Transfer-Encoding: chunked\r\n\r\n5;", b"x" * 10_000),
        (POST + b"Transfer-Encoding: chunked\r\n\r\n0\r\n", b"x: y\r\n" * 1000),
        (GET + b"Content-Length: 1000000000000\r\n\r\n", bytes(10_000)),
    ],
    ids=["chunk extension", "trailers", "a body that nobody reads"],
)
def test_what_follows_the_head_is_bounded(client: httpx.Client, begin: bytes, part: bytes) -> None:
    with connect(client) as connection:
        connection.sendall(begin)
        assert send_endlessly(connection, part) < 20_000_000
    assert client.get("/healthz").status_code == 200


def test_a_trailer_is_no_header(client: httpx.Client) -> None:
    """Otherwise a request's Host would be that of its trailer, after the check or before."""
    jpeg = samples.jpeg()
    with connect(client) as connection:
        connection.sendall(
            POST
            + b"Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n%x\r\n" % len(jpeg)
            + jpeg
            + b"\r\n0\r\nHost: evil.example\r\n\r\n"
        )
        assert until_closed(connection).startswith(b"HTTP/1.1 200 OK\r\n")


def test_a_frame_in_many_chunks_is_answered(client: httpx.Client) -> None:
    jpeg = samples.jpeg()
    parts = (jpeg[start : start + 50] for start in range(0, len(jpeg), 50))
    answer = client.post("/predict", content=parts, headers={"Content-Type": "image/jpeg"})
    assert answer.json() == predict(client, jpeg).json()


def test_pipelined_frames_are_all_answered(client: httpx.Client) -> None:
    jpeg = samples.jpeg()
    request = POST + b"Content-Length: %d\r\n\r\n" % len(jpeg) + jpeg
    with connect(client) as connection:
        connection.sendall(20 * request + request.replace(b"Host", b"Connection: close\r\nHost", 1))
        assert until_closed(connection).count(b"HTTP/1.1 200 OK\r\n") == 21


def test_a_late_head_is_refused(curt: httpx.Client) -> None:
    with connect(curt) as connection:
        connection.sendall(GET)
        assert until_closed(connection).startswith(b"HTTP/1.1 408 Request Timeout\r\n")


def test_a_client_that_sends_nothing_is_disconnected(curt: httpx.Client) -> None:
    with connect(curt) as connection:
        assert until_closed(connection) == b""


@pytest.mark.parametrize(
    "sent",
    [GET + b"Content-Length: 10\r\n\r\nhalf", POST + b"Content-Length: 10\r\n\r\nhalf"],
    ids=["a body that nobody reads", "a body that is awaited"],
)
def test_a_client_that_stalls_is_disconnected(hurried: httpx.Client, sent: bytes) -> None:
    with connect(hurried) as connection:
        connection.sendall(sent)
        until_closed(connection)


def test_empty_lines_do_not_keep_a_connection_open(hurried: httpx.Client) -> None:
    with connect(hurried) as connection:
        connection.sendall(GET + b"\r\n")
        assert connection.recv(65536).startswith(b"HTTP/1.1 200")
        connection.settimeout(0.05)
        for _ in range(20 * FAR_S):
            try:
                connection.sendall(b"\r\n")
                ended = connection.recv(100) == b""
            except TimeoutError:
                continue
            except (ConnectionResetError, BrokenPipeError):
                ended = True
            assert ended
            return
    pytest.fail("the connection is still open")


@pytest.mark.parametrize("path", [b"/healthz", b"/openapi.json"])
def test_a_client_that_reads_no_answer_is_disconnected(hurried: httpx.Client, path: bytes) -> None:
    request = b"GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n" % path
    with connect(hurried) as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        assert send_endlessly(connection, request * 50) < 20_000_000
    await_true(lambda: answers(hurried), "the service answers")


def test_a_client_that_is_in_time_keeps_its_connection(client: httpx.Client) -> None:
    with connect(client) as connection:
        for _ in range(3):
            connection.sendall(GET + b"\r\n")
            assert connection.recv(65536).startswith(b"HTTP/1.1 200")
