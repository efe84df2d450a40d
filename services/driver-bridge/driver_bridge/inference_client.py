"""Asks inference for the steering of a frame, over connections that are kept, within one deadline.

HTTP/1.1 by hand, as much of it as one question needs: a library's request costs half a millisecond
here, and none that blocks bounds an answer that comes a byte at a time.
"""

from __future__ import annotations

import json
import math
import socket
import ssl
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Final
from urllib.parse import urlsplit

from contract.errors import ServiceError, SettingError

KEPT: Final = 16
"""Connections that are kept open; more are made when more simulators ask at the same time."""
MOST_BYTES: Final = 65_536
"""Of an answer. It has about 200."""

Within = Callable[[float], AbstractContextManager[object]]
"""A block that raises TimeoutError when it takes longer than so many seconds."""


class _Gone(Exception):  # noqa: N818 - a condition that is handled here, not an error of anybody's
    """The connection ended before a byte of the answer came."""


class Inference:
    """The inference service.

    Args:
        url: its address, such as http://127.0.0.1:8000.
        timeout_s: for all of it: looking up the name, connecting, sending and the whole answer.
        token: sent as a bearer token; empty for none.
        within: bounds the looking up of the name, which no socket's timeout does.

    Raises:
        SettingError: the address is none.
    """

    def __init__(
        self,
        url: str,
        timeout_s: float,
        token: str = "",
        within: Within = nullcontext,
    ) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname or "\n" in token:
            raise SettingError(
                "inference has no such address",
                got=repr(url),
                remedy="LAPWING_INFERENCE_URL takes one such as http://127.0.0.1:8000",
            )
        self._url = url.rstrip("/") + "/predict"
        self._secure = ssl.create_default_context() if parts.scheme == "https" else None
        self._address = (parts.hostname, parts.port or (443 if self._secure else 80))
        self._timeout_s = timeout_s
        self._within = within
        path = parts.path.rstrip("/") + "/predict"
        bearer = f"Authorization: Bearer {token}\r\n" if token else ""
        self._head = (
            f"POST {path} HTTP/1.1\r\nHost: {parts.netloc.rpartition('@')[2]}\r\n{bearer}"
            "Content-Type: image/jpeg\r\nContent-Length: "
        ).encode("latin-1", "replace")
        self._idle: list[socket.socket] = []

    def steering(self, jpeg: bytes) -> float:
        """Return the steering, -1..1, for a frame.

        Raises:
            ServiceError: no answer in time, or none that is a steering.
        """
        try:
            status, body = self._ask(b"%b%d\r\n\r\n%b" % (self._head, len(jpeg), jpeg))
        except (OSError, _Gone) as error:
            raise ServiceError(
                f"inference does not answer at {self._url}",
                got=str(error) or type(error).__name__,
                remedy="Is it running, and LAPWING_INFERENCE_URL right",
            ) from error
        if status == 401:
            raise ServiceError(
                "inference refuses the bridge's token",
                got=status,
                remedy="Give LAPWING_API_TOKEN the same value in both services",
            )
        if status != 200:
            raise ServiceError("inference refuses the frame", got=f"{status} {body[:200]!r}")
        try:
            steering = json.loads(body)["steering"]
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise _rubbish(body) from error
        if not isinstance(steering, int | float) or isinstance(steering, bool):
            raise _rubbish(body)
        if not math.isfinite(steering):
            raise _rubbish(body)
        return float(max(-1, min(1, steering)))

    def close(self) -> None:
        """Close the connections that are kept; the next question makes a new one."""
        while self._idle:
            self._idle.pop().close()

    def _ask(self, request: bytes) -> tuple[int, bytes]:
        """Send a request and return status and body; a kept connection that is gone is replaced.

        Asking twice changes nothing at inference, and the deadline is one for both.
        """
        deadline = time.monotonic() + self._timeout_s
        if self._idle:
            try:
                return self._exchange(self._idle.pop(), request, deadline)
            except (_Gone, ConnectionError):
                self.close()  # most likely it was restarted: all of them are gone
        return self._exchange(self._connect(deadline), request, deadline)

    def _connect(self, deadline: float) -> socket.socket:
        left = _left(deadline)
        with self._within(left):
            connection = socket.create_connection(self._address, timeout=left)
        try:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._secure is not None:
                connection.settimeout(_left(deadline))
                return self._secure.wrap_socket(connection, server_hostname=self._address[0])
        except BaseException:
            connection.close()
            raise
        return connection

    def _exchange(
        self, connection: socket.socket, request: bytes, deadline: float
    ) -> tuple[int, bytes]:
        kept = False
        try:
            connection.settimeout(_left(deadline))
            connection.sendall(request)
            status, body, kept = _answer(connection, deadline)
            kept = kept and len(self._idle) < KEPT
        finally:
            # What is in the middle of an answer can never be used again.
            if kept:
                self._idle.append(connection)
            else:
                connection.close()
        return status, body


def _answer(connection: socket.socket, deadline: float) -> tuple[int, bytes, bool]:
    """Read one answer: its status, its body, and whether the connection may be kept.

    Raises:
        _Gone: the connection ended before it.
        OSError: it does not come in time, or is no HTTP/1.1 of a known length.
    """
    raw = b""
    while (end := raw.find(b"\r\n\r\n")) < 0:
        raw += _receive(connection, deadline, raw)
    head = raw[:end].decode("latin-1").split("\r\n")
    version, _, status = head[0].partition(" ")
    fields = {}
    for line in head[1:]:
        name, _, value = line.partition(":")
        fields[name.strip().lower()] = value.strip().lower()
    length = fields.get("content-length", "")
    if not version.startswith("HTTP/1.") or not status[:3].isdecimal() or not length.isdecimal():
        raise OSError(f"no HTTP answer of a known length: {raw[:80]!r}")
    size = int(length[:9])
    if size > MOST_BYTES:
        raise OSError(f"an answer of {size} bytes")
    start = end + 4
    while len(raw) < start + size:
        raw += _receive(connection, deadline, raw)
    kept = version == "HTTP/1.1" and fields.get("connection") != "close"
    # Bytes beyond the answer would be taken for the next one.
    return int(status[:3]), raw[start : start + size], kept and len(raw) == start + size


def _receive(connection: socket.socket, deadline: float, before: bytes) -> bytes:
    connection.settimeout(_left(deadline))
    data = connection.recv(MOST_BYTES)
    if not data:
        if not before:
            raise _Gone("the connection was closed")
        raise ConnectionAbortedError("the connection was closed within an answer")
    if len(before) > 2 * MOST_BYTES:
        raise OSError("an answer without an end")
    return data


def _left(deadline: float) -> float:
    """Return the seconds that are left.

    Raises:
        TimeoutError: there are none.
    """
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError("no whole answer in time")
    return left


def _rubbish(body: bytes) -> ServiceError:
    return ServiceError("inference's answer holds no steering", got=repr(body[:200]))
