"""Tests of a worker over a pair of sockets, as the service uses it."""

import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.data import models, samples

from contract.errors import ModelError, NotAJpegError
from contract.models.registry import MANIFEST, Registry
from contract.policy.litert import LiteRT
from inference.workers import protocol
from inference.workers.worker import RequestHandler, serve


class ServiceEnd:
    """The service's end of the connection to a worker."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._replies = connection.makefile("rb")

    def request(self, command: int, version: int, payload: bytes = b"") -> tuple[int, bytes]:
        self._connection.sendall(protocol.encode_request(command, version, payload))
        outcome, size = protocol.REPLY_HEADER.unpack(self._replies.read(protocol.REPLY_HEADER.size))
        return outcome, self._replies.read(size)

    def close(self) -> None:
        self._replies.close()
        self._connection.close()


@pytest.fixture
def service_end(registry: Registry, networks: Path) -> Iterator[ServiceEnd]:
    for name in ("left", "nan"):
        models.publish(registry, networks / name, name)
    own_end, worker_end = socket.socketpair()
    thread = threading.Thread(target=serve, args=(worker_end, RequestHandler(registry, LiteRT)))
    thread.start()
    service_end = ServiceEnd(own_end)
    yield service_end
    service_end.close()
    thread.join(60)
    assert not thread.is_alive(), "the worker did not end with its connection"


def test_a_frame_is_predicted_by_a_loaded_version(service_end: ServiceEnd) -> None:
    assert service_end.request(protocol.LOAD, 1) == (protocol.DONE, b"litert")
    outcome, payload = service_end.request(protocol.PREDICT, 1, samples.jpeg())
    prediction = protocol.decode_prediction(payload)
    assert outcome == protocol.DONE
    assert prediction.answer.steering == pytest.approx(models.ANSWERS["left"], abs=models.NEAR)
    assert prediction.began_s <= prediction.decoded_s <= prediction.resized_s <= prediction.ended_s


@pytest.mark.parametrize(
    ("command", "version", "payload", "expected"),
    [
        (protocol.PREDICT, 1, b"GIF89a", NotAJpegError),
        (protocol.LOAD, 2, b"", ModelError),
        (protocol.LOAD, 9, b"", ModelError),
    ],
)
def test_a_refusal_is_sent_as_an_error(
    service_end: ServiceEnd, command: int, version: int, payload: bytes, expected: type[Exception]
) -> None:
    service_end.request(protocol.LOAD, 1)
    outcome, error = service_end.request(command, version, payload)
    assert outcome == protocol.REFUSED
    assert type(protocol.decode_error(error)) is expected
    assert service_end.request(protocol.CHECK, 1) == (protocol.DONE, b"")


def test_a_frame_of_a_version_that_is_not_loaded_fails(service_end: ServiceEnd) -> None:
    failed = (protocol.FAILED, b"KeyError: 1")
    assert service_end.request(protocol.PREDICT, 1, samples.jpeg()) == failed
    service_end.request(protocol.LOAD, 1)
    assert service_end.request(protocol.DROP, 1) == (protocol.DONE, b"")
    assert service_end.request(protocol.PREDICT, 1, samples.jpeg()) == failed
    assert service_end.request(protocol.LOAD, 1) == (protocol.DONE, b"litert")


def test_a_file_that_cannot_be_read_now_is_no_fault_of_the_version(
    service_end: ServiceEnd, registry: Registry
) -> None:
    """The system may have no file left, or a disk may not answer.

    A link to itself gives such an error.
    """
    path = registry.path(1) / MANIFEST
    content = path.read_bytes()
    path.unlink()
    path.symlink_to(path)
    outcome, error = service_end.request(protocol.LOAD, 1)
    assert outcome == protocol.FAILED
    assert b"Too many levels of symbolic links" in error
    path.unlink()
    path.write_bytes(content)
    assert service_end.request(protocol.LOAD, 1) == (protocol.DONE, b"litert")
