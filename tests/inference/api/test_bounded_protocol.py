"""Tests of the bounds of requests, over real connections to a server without a model."""

import socket
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from support.services.serving import serving, settings

from inference.api.bounded_protocol import MAX_HEAD_BYTES, MAX_HEADERS

GET = b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n"
LIMIT = 24


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    with serving(settings(tmp_path_factory.mktemp("models")), connections=LIMIT) as client:
        yield client


def connect(server: httpx.Client) -> socket.socket:
    address = server.base_url
    return socket.create_connection((address.host, address.port or 0), timeout=20)


def answer(connection: socket.socket) -> bytes:
    """Return what the server says until it closes the connection."""
    parts = []
    try:
        while part := connection.recv(65536):
            parts.append(part)
    except ConnectionResetError:  # it closed while more was on the way
        pass
    return b"".join(parts)


def send_until_closed(connection: socket.socket, part: bytes, most: int) -> int:
    sent = 0
    try:
        while sent < most:
            connection.sendall(part)
            sent += len(part)
    except OSError:
        pass
    return sent


@pytest.mark.parametrize(
    "start", [b"GET /", GET + b"X-Long: ", GET + b"X"], ids=["address", "value", "name"]
)
def test_an_endless_head_is_cut_off(server: httpx.Client, start: bytes) -> None:
    with connect(server) as connection:
        connection.sendall(start)
        sent = send_until_closed(connection, b"a" * 4096, 50_000_000)
        assert sent < 50_000_000
    assert server.get("/healthz").status_code == 200


def test_a_head_that_is_too_large_is_refused_with_words(server: httpx.Client) -> None:
    with connect(server) as connection:
        connection.sendall(GET + b"X: " + b"a" * MAX_HEAD_BYTES + b"\r\n\r\n")
        told = answer(connection)
    assert told.startswith(b"HTTP/1.1 431 ")
    assert b"the headers are too large" in told


def test_too_many_headers_are_refused_and_as_many_as_may_be_are_not(server: httpx.Client) -> None:
    for count, status in ((MAX_HEADERS - 2, b"200"), (MAX_HEADERS + 1, b"431")):
        with connect(server) as connection:
            lines = b"".join(b"x%d: a\r\n" % number for number in range(count))
            connection.sendall(GET + b"Connection: close\r\n" + lines + b"\r\n")
            assert answer(connection)[9:12] == status


def test_a_body_of_endless_chunk_extensions_is_cut_off(server: httpx.Client) -> None:
    with connect(server) as connection:
        connection.sendall(
            b"POST /predict HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: image/jpeg\r\n"
            b"Transfer-Encoding: chunked\r\n\r\n1;"
        )
        sent = send_until_closed(connection, b"a" * 65536, 100_000_000)
        assert sent < 100_000_000
    assert server.get("/healthz").status_code == 200


def test_half_of_a_request_is_answered_as_late_and_closed(server: httpx.Client) -> None:
    with connect(server) as connection:
        connection.sendall(b"GET /healthz HT")
        told = answer(connection)
    assert told.startswith(b"HTTP/1.1 408 ")
    assert b"the headers did not arrive in time" in told


def test_an_idle_connection_is_closed_however_many_empty_lines_it_sends(
    server: httpx.Client,
) -> None:
    with connect(server) as connection:
        connection.sendall(GET + b"\r\n")
        assert connection.recv(65536).startswith(b"HTTP/1.1 200 ")
        deadline = time.monotonic() + 20
        closed = False
        while not closed:
            assert time.monotonic() < deadline
            try:
                connection.sendall(b"\r\n")
                connection.settimeout(0.5)
                closed = connection.recv(10) == b""
            except TimeoutError:
                continue
            except OSError:
                closed = True


def test_strangers_that_say_nothing_keep_nobody_out(server: httpx.Client, tmp_path: Path) -> None:
    """More connections than there are places: who had an answer keeps its own."""
    with httpx.Client(base_url=server.base_url, timeout=10) as kept:
        assert kept.get("/healthz").status_code == 200
        strangers = [connect(server) for _ in range(4 * LIMIT)]
        try:
            for _ in range(3):
                assert kept.get("/healthz").status_code == 200
            assert httpx.get(server.base_url.join("/healthz"), timeout=10).status_code == 200
        finally:
            for stranger in strangers:
                stranger.close()


def test_what_is_no_http_is_refused_with_words(server: httpx.Client) -> None:
    with connect(server) as connection:
        connection.sendall(b"\x16\x03\x01 hello\r\n\r\n")
        told = answer(connection)
    assert told.startswith(b"HTTP/1.1 400 ")
    assert b"RFC 9112" in told
