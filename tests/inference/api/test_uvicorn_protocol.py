"""Tests of answers as they arrive on a plain socket."""

import socket
import time
from collections.abc import Iterator

import httpx
import pytest
from support.data import samples
from support.services.serving import predict, serving, settings

from contract.models.registry import Registry
from inference.api.uvicorn_protocol import BUSY_PAUSE_S


@pytest.fixture
def client(registry: Registry) -> Iterator[httpx.Client]:
    with serving(settings(registry.root)) as client:
        yield client


def first_segment(client: httpx.Client, request: bytes) -> bytes:
    address = (client.base_url.host, client.base_url.port or 0)
    with socket.create_connection(address, timeout=60) as connection:
        connection.sendall(request)
        return connection.recv(65536)


def test_the_head_and_the_body_arrive_in_one_segment(client: httpx.Client) -> None:
    for _ in range(20):
        segment = first_segment(client, b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert segment.startswith(b"HTTP/1.1 200 OK\r\n")
        assert segment.endswith(b'\r\n\r\n{"status":"ok"}')


def test_an_answer_without_a_body_arrives(client: httpx.Client) -> None:
    segment = first_segment(client, b"HEAD /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert segment.startswith(b"HTTP/1.1 405 ")
    assert segment.endswith(b"\r\n\r\n")


def test_a_client_that_waits_for_100_continue_gets_it(client: httpx.Client) -> None:
    jpeg = samples.jpeg()
    head = (
        "POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/jpeg\r\n"
        f"Content-Length: {len(jpeg)}\r\nExpect: 100-continue\r\n\r\n"
    )
    assert first_segment(client, head.encode()).startswith(b"HTTP/1.1 100 Continue\r\n\r\n")


def test_a_connection_is_not_read_for_a_moment_after_a_503(client: httpx.Client) -> None:
    began = time.monotonic()  # before the first answer, which this client may read late
    for _ in range(5):
        assert predict(client, samples.jpeg()).status_code == 503
    assert time.monotonic() - began >= 3.9 * BUSY_PAUSE_S


def test_other_connections_are_read_meanwhile(registry: Registry) -> None:
    """The connection that is not read has asked again, and waits for that answer."""
    jpeg = samples.jpeg()
    head = (
        "POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/jpeg\r\n"
        f"Content-Length: {len(jpeg)}\r\n\r\n"
    )
    request = head.encode() + jpeg
    with serving(settings(registry.root), busy_pause_s=60.0) as client:
        address = (client.base_url.host, client.base_url.port or 0)
        with socket.create_connection(address, timeout=60) as connection:
            connection.sendall(request)
            assert connection.recv(65536).startswith(b"HTTP/1.1 503 ")
            connection.sendall(request)
            assert client.get("/healthz").status_code == 200
            connection.setblocking(False)
            with pytest.raises(BlockingIOError):
                connection.recv(1)


def test_requests_in_one_segment_are_answered_in_order(client: httpx.Client) -> None:
    request = b"GET /%s HTTP/1.1\r\nHost: localhost\r\n\r\n"
    address = (client.base_url.host, client.base_url.port or 0)
    with socket.create_connection(address, timeout=60) as connection:
        connection.sendall(request % b"healthz" + request % b"nothing")
        answers = b""
        while answers.count(b"\r\n\r\n") < 2:
            answers += connection.recv(65536)
    assert answers.index(b"HTTP/1.1 200") < answers.index(b"HTTP/1.1 404")
