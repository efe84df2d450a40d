"""Accepts connections one by one, so that a crowd of them does not hold up who is connected.

The kernel keeps those that have come meanwhile. Without a pause eventlet accepts all of these at
once, and then reads all their requests before it turns to a simulator's frame.
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any, Final

PAUSE_S: Final = 0.003
"""Least time in seconds between two connections. A handshake takes 0.5 to 1 ms of the processor."""


class PacedListener:
    """A listening socket that accepts at most one connection in a time.

    Args:
        listener: the listening socket; it provides everything else.
        clock: returns seconds that never go backwards.
        sleep: waits this many seconds, and lets others run.
        pause_s: the least time in seconds between two connections.
    """

    def __init__(
        self,
        listener: socket.socket,
        clock: Callable[[], float],
        sleep: Callable[[float], object],
        pause_s: float = PAUSE_S,
    ) -> None:
        self._listener = listener
        self._clock = clock
        self._sleep = sleep
        self._pause_s = pause_s
        self._due_s = clock()

    def accept(self) -> tuple[socket.socket, Any]:
        """Wait for the next connection, and return it with the address of the client."""
        wait_s = self._due_s - self._clock()
        if wait_s > 0:
            self._sleep(wait_s)
        connection = self._listener.accept()
        self._due_s = self._clock() + self._pause_s
        return connection

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401
        return getattr(self._listener, name)
