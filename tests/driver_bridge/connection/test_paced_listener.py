"""Tests that a crowd of new connections comes in one by one."""

import socket
from collections.abc import Iterator
from contextlib import closing

import pytest

from driver_bridge.connection.paced_listener import PacedListener

PAUSE_S = 0.25


class Clock:
    """A clock that goes on only while somebody sleeps."""

    def __init__(self) -> None:
        self.now_s = 100.0
        self.slept_s: list[float] = []

    def __call__(self) -> float:
        return self.now_s

    def sleep(self, seconds: float) -> None:
        self.slept_s.append(seconds)
        self.now_s += seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def listener(clock: Clock) -> Iterator[PacedListener]:
    with closing(socket.create_server(("127.0.0.1", 0))) as listening:
        listening.settimeout(10)
        yield PacedListener(listening, clock, clock.sleep, PAUSE_S)


def connect(listener: PacedListener) -> socket.socket:
    return socket.create_connection(listener.getsockname(), timeout=10)


def test_others_run_between_the_connections_of_a_crowd(
    listener: PacedListener, clock: Clock
) -> None:
    crowd = [connect(listener) for _ in range(4)]
    accepted = [listener.accept() for _ in crowd]
    assert [address for _, address in accepted] == [each.getsockname() for each in crowd]
    assert clock.slept_s == [PAUSE_S] * 3
    for each in [*crowd, *(connection for connection, _ in accepted)]:
        each.close()


def test_one_that_comes_alone_does_not_wait(listener: PacedListener, clock: Clock) -> None:
    for _ in range(2):
        with connect(listener), listener.accept()[0]:
            clock.now_s += PAUSE_S
    assert clock.slept_s == []
