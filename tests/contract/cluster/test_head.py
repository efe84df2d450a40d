"""A head is asked over real sockets; what answers is not of our making where it can be."""

import http.server
import socket
import threading
import time
from collections.abc import Iterator

import httpx
import pytest
from support.services import running

from contract.cluster.head import HeadAddress
from contract.errors import ClusterError, SettingError

SETTINGS_AND_MORE = bytes.fromhex("00000c040000000000000300000064000400000fff")
"""Begins a server's first frame, as RFC 9113 lays it out in section 6.5: 12 bytes of settings."""


@pytest.fixture
def listening() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as found:
        yield found


def answer(listening: socket.socket, content: bytes) -> list[bytes]:
    """Accept one connection in a thread, and answer it; return the list of what was received."""
    received: list[bytes] = []

    def serve() -> None:
        connection, _ = listening.accept()
        with connection:
            received.append(connection.recv(1024))
            connection.sendall(content)

    threading.Thread(target=serve, daemon=True).start()
    return received


def address_of(listening: socket.socket) -> HeadAddress:
    return HeadAddress("127.0.0.1", listening.getsockname()[1])


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("ray-head:6379", "ray-head", 6379),
        ("10.0.0.1:1", "10.0.0.1", 1),
        ("[fd00::1]:65535", "fd00::1", 65535),
    ],
)
def test_an_address_is_host_and_port(text: str, host: str, port: int) -> None:
    assert HeadAddress.parse(text) == HeadAddress(host, port)
    assert str(HeadAddress(host, port)) == text


@pytest.mark.parametrize(
    "text",
    [
        "ray-head",
        "ray-head:",
        ":6379",
        "ray-head:0",
        "ray-head:65536",
        "ray-head:six",
        "ray://h:1",
        "fd00::1:6379",
    ],
)
def test_another_text_is_refused_by_the_name_of_the_setting(text: str) -> None:
    with pytest.raises(SettingError, match="LAPWING_CLUSTER has a value it cannot take"):
        HeadAddress.parse(text)


def test_a_server_of_http2_is_asked_as_the_standard_says(listening: socket.socket) -> None:
    received = answer(listening, SETTINGS_AND_MORE)
    assert address_of(listening).await_answer() == "127.0.0.1"
    # The preface, then an empty frame of the type SETTINGS on stream 0.
    assert received == [b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0\4\0\0\0\0\0"]


def test_redis_is_no_head(listening: socket.socket) -> None:
    """Both have the port 6379. This is what a Redis 7 answers to the preface."""
    answer(listening, b"-ERR unknown command 'PRI', with args beginning with: '*' \r\n")
    with pytest.raises(ClusterError, match=r"no head of a Ray cluster.*-ERR unknown command"):
        address_of(listening).await_answer()


def test_a_web_server_is_no_head() -> None:
    server = http.server.HTTPServer(("127.0.0.1", 0), http.server.SimpleHTTPRequestHandler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    assert httpx.get(f"http://127.0.0.1:{server.server_port}/").status_code == 200
    with pytest.raises(ClusterError, match="no head of a Ray cluster"):
        HeadAddress("127.0.0.1", server.server_port).await_answer()
    server.shutdown()
    server.server_close()


def test_a_head_that_is_just_starting_is_awaited() -> None:
    address = HeadAddress("127.0.0.1", running.free_port())

    def start() -> None:
        time.sleep(1.0)
        with socket.create_server((address.host, address.port)) as late:
            connection, _ = late.accept()
            with connection:
                connection.sendall(SETTINGS_AND_MORE)
                connection.recv(1024)

    threading.Thread(target=start, daemon=True).start()
    assert address.await_answer() == "127.0.0.1"


@pytest.mark.parametrize("silent", [True, False], ids=["silent", "refused"])
def test_no_answer_is_told_in_time(listening: socket.socket, silent: bool) -> None:
    address = address_of(listening)
    if not silent:
        listening.close()
    began = time.monotonic()
    with pytest.raises(ClusterError, match=r"at 127\.0\.0\.1:\d+ does not answer.*LAPWING_CLUSTER"):
        address.await_answer()
    assert time.monotonic() - began < 10
