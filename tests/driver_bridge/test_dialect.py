"""The contract with python-socketio: fails when a release changes what dialect.py leans on."""

import importlib.metadata
import inspect
from collections.abc import Callable

import engineio
import pytest
import socketio

from driver_bridge import dialect


@pytest.mark.parametrize(
    ("distribution", "version"), [("python-socketio", "5.18.1"), ("python-engineio", "4.15.1")]
)
def test_the_release_is_the_one_that_was_read(distribution: str, version: str) -> None:
    assert importlib.metadata.version(distribution) == version


@pytest.mark.parametrize(
    ("method", "parameters"),
    [
        (socketio.Server._handle_eio_message, ["self", "eio_sid", "data"]),
        (socketio.Server._handle_eio_connect, ["self", "eio_sid", "environ"]),
        (socketio.Server._handle_connect, ["self", "eio_sid", "namespace", "data"]),
        (engineio.socket.Socket.receive, ["self", "pkt"]),
        (engineio.socket.Socket.send, ["self", "pkt"]),
    ],
)
def test_the_methods_it_overrides_and_calls_are_as_they_were(
    method: Callable[..., object], parameters: list[str]
) -> None:
    assert list(inspect.signature(method).parameters) == parameters


def test_nothing_is_overridden_that_is_not_there() -> None:
    for ours, theirs in (
        (dialect.SimulatorServer, socketio.Server),
        (dialect.PongingSocket, engineio.socket.Socket),
    ):
        for name in vars(ours):
            if not name.startswith("__"):
                assert hasattr(theirs, name)


def test_a_sockets_class_can_be_changed() -> None:
    assert not hasattr(engineio.socket.Socket, "__slots__")
    assert vars(dialect.PongingSocket).keys() & {"__init__"} == set()
