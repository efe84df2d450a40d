"""Bounds for what a client sends with one HTTP request, in bytes and in time.

A socket's own timeout begins again with each byte. A client that sends a byte every nine seconds
would hold its connection for ever.
"""

from __future__ import annotations

import io
import time
from typing import Any, Protocol


class ReceivingSocket(Protocol):
    """What this module uses of a socket."""

    def settimeout(self, seconds: float, /) -> object:
        """Set the time for each later operation."""

    def recv_into(self, buffer: Any, /) -> int:  # noqa: ANN401 - any buffer
        """Receive into a buffer, and return the number of bytes."""


class BoundedInput(io.RawIOBase):
    """What a client sends over a socket, within a time and a number of bytes for each request.

    Args:
        connection: the socket.
        seconds: time within which a request must have arrived as a whole, from `begin`.
        max_bytes: number of bytes that a request may have.
    """

    def __init__(self, connection: ReceivingSocket, seconds: float, max_bytes: int) -> None:
        self._connection = connection
        self._seconds = seconds
        self._max_bytes = max_bytes
        self.begin()

    def begin(self) -> None:
        """Begin to count for the next request."""
        self._deadline_s = time.monotonic() + self._seconds
        self._bytes_left = self._max_bytes

    def readable(self) -> bool:
        """Return that it can be read, for io.BufferedReader."""
        return True

    def readinto(self, buffer: Any) -> int:  # noqa: ANN401 - any buffer
        """Receive bytes.

        Raises:
            TimeoutError: the request is not complete in time.
            OSError: the request is too large, or the connection is lost.
        """
        left_s = self._deadline_s - time.monotonic()
        if left_s <= 0:
            raise TimeoutError("the request is not complete in time")
        if self._bytes_left <= 0:
            raise OSError(f"a request may have at most {self._max_bytes} bytes")
        self._connection.settimeout(left_s)
        try:
            size = self._connection.recv_into(buffer)
        finally:
            self._connection.settimeout(self._seconds)  # for the answer, part by part
        self._bytes_left -= size
        return size
