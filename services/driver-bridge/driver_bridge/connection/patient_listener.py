"""The listening socket of the bridge, which outlasts errors that pass."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any, Final, Protocol

from contract.perpetual import PerpetualWork

LONGEST_PAUSE_S: Final = 1.0
"""Longest pause in seconds between two attempts to accept a connection: a simulator waits."""


class Listener(Protocol):
    """Accepts connections, as a listening socket does."""

    def accept(self) -> tuple[socket.socket, Any]:
        """Wait for the next connection, and return it with the address of the client."""


class PatientListener:
    """A listening socket that accepts again after an error, such as too many open files.

    eventlet's server would end at the first error. It closes all connections then, and the port;
    the process goes on, and no simulator can connect any more.

    Args:
        listener: the socket.
        sleep: waits for a number of seconds while other greenlets run.
    """

    def __init__(self, listener: Listener, sleep: Callable[[float], object]) -> None:
        self._listener = listener
        self._sleep = sleep
        self._work = PerpetualWork("accepting a connection", longest_pause_s=LONGEST_PAUSE_S)

    def accept(self) -> tuple[socket.socket, Any]:
        """Return the next connection and the address of its client."""
        while True:
            try:
                accepted = self._listener.accept()
            except OSError as error:
                self._sleep(self._work.fail(error))
            else:
                self._work.succeed()
                return accepted

    def close(self) -> None:
        """Leave the port open: it stays so for as long as the process runs."""

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - all other attributes of a socket
        return getattr(self._listener, name)
