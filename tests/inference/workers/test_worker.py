"""A lane, asked over a pair of sockets as the service asks it."""

import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.data import models, samples

from contract.errors import ModelError, NotAJpegError
from contract.models.registry import Registry
from inference.workers import protocol
from inference.workers.protocol import Steered
from inference.workers.worker import Lane, serve


class Line:
    """The service's end of a lane's connection."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._replies = connection.makefile("rb")

    def ask(self, kind: int, version: int, payload: bytes = b"") -> tuple[int, bytes]:
        self._connection.sendall(protocol.ask(kind, version, payload))
        outcome, size = protocol.REPLY.unpack(self._replies.read(protocol.REPLY.size))
        return outcome, self._replies.read(size)

    def close(self) -> None:
        self._replies.close()
        self._connection.close()


@pytest.fixture
def line(registry: Registry, networks: Path) -> Iterator[Line]:
    for name in ("left", "nan"):
        models.publish(registry, networks / name, name)
    ours, its = socket.socketpair()
    thread = threading.Thread(target=serve, args=(its, Lane(registry)))
    thread.start()
    line = Line(ours)
    yield line
    line.close()
    thread.join(5)
    assert not thread.is_alive(), "it did not end with its connection"


def test_a_frame_is_steered_by_a_version_that_was_loaded(line: Line) -> None:
    assert line.ask(protocol.LOAD, 1) == (protocol.DONE, b"")
    outcome, payload = line.ask(protocol.FRAME, 1, samples.jpeg())
    steered = Steered(*protocol.STEERED.unpack(payload))
    assert outcome == protocol.DONE
    assert steered.steering == pytest.approx(models.ANSWERS["left"], abs=models.NEAR)
    assert steered.began_s <= steered.decoded_s <= steered.resized_s <= steered.ended_s


@pytest.mark.parametrize(
    ("kind", "version", "payload", "expected"),
    [
        (protocol.FRAME, 1, b"GIF89a", NotAJpegError),
        (protocol.LOAD, 2, b"", ModelError),
        (protocol.LOAD, 9, b"", ModelError),
    ],
)
def test_what_is_refused_is_told(
    line: Line, kind: int, version: int, payload: bytes, expected: type[Exception]
) -> None:
    line.ask(protocol.LOAD, 1)
    outcome, told = line.ask(kind, version, payload)
    assert outcome == protocol.REFUSED
    assert type(protocol.error_of(told)) is expected
    assert line.ask(protocol.CHECK, 1) == (protocol.DONE, b"")


def test_what_was_not_loaded_or_was_dropped_fails_and_nothing_else(line: Line) -> None:
    assert line.ask(protocol.FRAME, 1, samples.jpeg()) == (protocol.FAILED, b"")
    line.ask(protocol.LOAD, 1)
    assert line.ask(protocol.DROP, 1) == (protocol.DONE, b"")
    assert line.ask(protocol.FRAME, 1, samples.jpeg()) == (protocol.FAILED, b"")
    assert line.ask(protocol.LOAD, 1) == (protocol.DONE, b"")
