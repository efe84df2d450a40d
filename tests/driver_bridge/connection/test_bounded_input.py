"""Tests of the bounds of a request, over real sockets."""

import io
import socket
import threading
import time
from collections.abc import Iterator

import pytest

from driver_bridge.connection.bounded_input import BoundedInput

Pair = tuple[socket.socket, socket.socket]


@pytest.fixture
def pair() -> Iterator[Pair]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield ours, theirs


def test_a_request_that_arrives_byte_by_byte_is_cut_off_at_the_deadline(pair: Pair) -> None:
    """No receive waits for long, but all of them together do."""
    ended = threading.Event()

    def drip() -> None:
        while not ended.wait(0.02):
            pair[1].sendall(b"x")

    reader = io.BufferedReader(BoundedInput(pair[0], 0.3, 1 << 20))
    thread = threading.Thread(target=drip)
    thread.start()
    began = time.monotonic()
    with pytest.raises(TimeoutError):
        reader.readline()
    assert 0.25 < time.monotonic() - began < 5
    ended.set()
    thread.join(60)


def test_nothing_at_all_is_cut_off_at_the_deadline(pair: Pair) -> None:
    with pytest.raises(TimeoutError):
        io.BufferedReader(BoundedInput(pair[0], 0.05, 1 << 20)).readline()


def test_a_request_that_never_ends_is_cut_off_at_its_bytes(pair: Pair) -> None:
    reader = io.BufferedReader(BoundedInput(pair[0], 5.0, 20_000))
    pair[1].sendall(b"x" * 40_000)
    with pytest.raises(OSError, match="may have at most 20000 bytes"):
        reader.readline()


def test_each_request_has_bounds_of_its_own_and_the_answer_has_all_its_time(pair: Pair) -> None:
    bounded = BoundedInput(pair[0], 5.0, 1000)
    reader = io.BufferedReader(bounded)
    for _ in range(5):
        bounded.begin()
        pair[1].sendall(b"x" * 599 + b"\n")
        assert len(reader.readline()) == 600
    assert pair[0].gettimeout() == 5.0
    pair[1].close()
    assert reader.readline() == b""
