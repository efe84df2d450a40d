"""The client of inference: it asks for the answer to a frame within one deadline.

It speaks as much HTTP/1.1 as one question needs, over connections that are kept open. A request of
an HTTP library costs half a millisecond here, and no blocking library bounds the time of an answer
that arrives one byte at a time.

Several replicas of inference may stand behind the address, found by a balancer, by Kubernetes or by
a name with several addresses. A connection leads to one of them, so none is kept for long, and all
are given up when one fails: the next ones lead to replicas that live.
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
from contract.policy.answer import PolicyAnswer
from contract.setting_forms import INFERENCE_URL, format_value
from contract.vehicle import TOP_SPEED_MPH

MAX_IDLE_CONNECTIONS: Final = 16
"""Number of connections that are kept open. More are opened while more simulators ask at once."""
MAX_CONNECTION_S: Final = 10.0
"""Time in seconds for which a connection is used. Where connections are dealt out to replicas, and
not requests, a replica that comes back gets its share of the frames after this time."""
MAX_NEW_CONNECTIONS: Final = 3
"""Number of connections that are opened for one question. A replica that has just died may still be
among those to which new connections lead."""
MAX_ANSWER_BYTES: Final = 65_536
"""Maximum size of an answer, which usually has about 200 bytes."""

TimeLimit = Callable[[float], AbstractContextManager[object]]
"""Makes a context that raises TimeoutError when it takes longer than a number of seconds."""


class _NoAnswer(Exception):  # noqa: N818 - it is handled in this module and never reported
    """The connection ended before the first byte of the answer."""


class SteeringClient:
    """Asks the inference service for the steering of frames.

    Args:
        url: address of inference, for example http://127.0.0.1:8000.
        timeout_s: time limit in seconds for the whole question: the lookup of the name, the
            connection, the request and the whole answer.
        token: bearer token to send; empty for none.
        time_limit: bounds the lookup of the name, which the timeout of a socket does not.
        forget_names: makes the next connection look the name up again. It is called after a
            connection could not be made: Docker lets a name be kept for ten minutes, but gives a
            container that comes back another address at once.
        connection_s: time in seconds for which a connection is used.

    Raises:
        SettingError: `url` is no address.
    """

    def __init__(
        self,
        url: str,
        timeout_s: float,
        token: str = "",
        time_limit: TimeLimit = nullcontext,
        forget_names: Callable[[], object] = lambda: None,
        connection_s: float = MAX_CONNECTION_S,
    ) -> None:
        try:
            parts = urlsplit(INFERENCE_URL.read(url))
        except ValueError:
            raise SettingError(
                "inference has no such address",
                got=format_value(url),
                remedy=f"LAPWING_INFERENCE_URL takes {INFERENCE_URL.values}",
            ) from None
        self._url = url.rstrip("/") + "/predict"
        self._tls = ssl.create_default_context() if parts.scheme == "https" else None
        self._address = (parts.hostname, parts.port or (443 if self._tls else 80))
        self._timeout_s = timeout_s
        self._time_limit = time_limit
        self._forget_names = forget_names
        self._connection_s = connection_s
        path = parts.path.rstrip("/") + "/predict"
        authorization = f"Authorization: Bearer {token}\r\n" if token else ""
        self._request_head = (
            f"POST {path} HTTP/1.1\r\nHost: {parts.netloc}\r\n{authorization}"
            "Content-Type: image/jpeg\r\nContent-Length: "
        ).encode("latin-1", "replace")
        self._idle: list[tuple[socket.socket, float]] = []
        """Connections that are kept, each with the time at which it was opened."""

    def predict(self, jpeg: bytes) -> PolicyAnswer:
        """Return the answer to a frame: the steering, and the speed if the version has learned it.

        Raises:
            ServiceError: there was no answer in time, or the answer holds no steering, or a speed
                that is none.
        """
        try:
            status, body = self._ask(b"%b%d\r\n\r\n%b" % (self._request_head, len(jpeg), jpeg))
        except (OSError, _NoAnswer) as error:
            raise ServiceError(
                f"inference does not answer at {self._url}",
                got=str(error) or type(error).__name__,
                remedy="Check that inference runs and that LAPWING_INFERENCE_URL is its address",
            ) from error
        if status == 401:
            raise ServiceError(
                "inference refuses the bridge's token",
                got=status,
                remedy="Set LAPWING_API_TOKEN to the same value in both services",
            )
        if status != 200:
            raise ServiceError("inference refuses the frame", got=f"{status} {body[:200]!r}")
        try:
            document = json.loads(body)
            steering, speed_mph = document["steering"], document.get("speed_mph")
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise _no_answer(body, "steering") from error
        if not _is_number(steering):
            raise _no_answer(body, "steering")
        steering = float(max(-1, min(1, steering)))
        if speed_mph is None:
            return PolicyAnswer(steering)
        if not _is_number(speed_mph):
            raise _no_answer(body, "speed")
        return PolicyAnswer(steering, float(max(0, min(TOP_SPEED_MPH, speed_mph))))

    def close(self) -> None:
        """Close the connections that are kept open; the next question opens a new one."""
        while self._idle:
            self._idle.pop()[0].close()

    def _ask(self, request: bytes) -> tuple[int, bytes]:
        """Send a request, and return the status and the body of its answer.

        A connection that ends before its answer is replaced and the request sent again: asking
        twice changes nothing at inference, and all attempts share one deadline.
        """
        deadline = time.monotonic() + self._timeout_s
        try:
            while self._idle:
                connection, opened_s = self._idle.pop()
                if not _is_quiet(connection):
                    connection.close()
                    continue
                try:
                    return self._exchange(connection, opened_s, request, deadline)
                except (_NoAnswer, ConnectionError):
                    self.close()  # most likely inference was restarted: all connections are closed
            return self._ask_anew(request, deadline)
        except TimeoutError:
            self.close()  # others may lead to the same replica, which would cost their time too
            raise

    def _ask_anew(self, request: bytes, deadline: float) -> tuple[int, bytes]:
        """Send a request over a new connection, or over another one if that fails at once."""
        for _ in range(MAX_NEW_CONNECTIONS - 1):
            try:
                return self._exchange(self._connect(deadline), time.monotonic(), request, deadline)
            except ConnectionAbortedError:
                raise  # an answer has begun, so a replica lives that will not answer better
            except (_NoAnswer, ConnectionError):
                continue
        return self._exchange(self._connect(deadline), time.monotonic(), request, deadline)

    def _connect(self, deadline: float) -> socket.socket:
        remaining_s = _remaining_s(deadline)
        try:
            with self._time_limit(remaining_s):
                connection = socket.create_connection(self._address, timeout=remaining_s)
        except OSError:
            self._forget_names()
            raise
        try:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._tls is not None:
                connection.settimeout(_remaining_s(deadline))
                return self._tls.wrap_socket(connection, server_hostname=self._address[0])
        except BaseException:
            connection.close()
            raise
        return connection

    def _exchange(
        self, connection: socket.socket, opened_s: float, request: bytes, deadline: float
    ) -> tuple[int, bytes]:
        reusable = False
        try:
            connection.settimeout(_remaining_s(deadline))
            connection.sendall(request)
            status, body, reusable = _read_answer(connection, deadline)
            reusable = (
                reusable
                and len(self._idle) < MAX_IDLE_CONNECTIONS
                and time.monotonic() - opened_s < self._connection_s
            )
        finally:
            # A connection in the middle of an answer can never be used again.
            if reusable:
                self._idle.append((connection, opened_s))
            else:
                connection.close()
        return status, body


def _is_quiet(connection: socket.socket) -> bool:
    """Return whether nothing has arrived on a connection that was kept: no end and no bytes.

    Bytes that nobody has asked for would be read as the answer to the next frame.
    """
    connection.settimeout(0)
    try:
        connection.recv(1)
    except (BlockingIOError, ssl.SSLWantReadError):
        return True
    except OSError:
        return False
    return False


def _read_answer(connection: socket.socket, deadline: float) -> tuple[int, bytes, bool]:
    """Read one answer: its status, its body, and whether the connection can be used again.

    Raises:
        _NoAnswer: the connection ended before the answer.
        OSError: the answer is late, or is no HTTP/1.1 answer of a known length.
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
    if size > MAX_ANSWER_BYTES:
        raise OSError(f"an answer of {size} bytes")
    start = end + 4
    while len(raw) < start + size:
        raw += _receive(connection, deadline, raw)
    persistent = version == "HTTP/1.1" and fields.get("connection") != "close"
    # Bytes after the answer would be read as the next answer.
    reusable = persistent and len(raw) == start + size
    return int(status[:3]), raw[start : start + size], reusable


def _receive(connection: socket.socket, deadline: float, received: bytes) -> bytes:
    """Return the next bytes of an answer of which `received` has arrived already."""
    connection.settimeout(_remaining_s(deadline))
    data = connection.recv(MAX_ANSWER_BYTES)
    if not data:
        if not received:
            raise _NoAnswer("the connection was closed")
        raise ConnectionAbortedError("the connection was closed within an answer")
    if len(received) > 2 * MAX_ANSWER_BYTES:
        raise OSError("an answer without an end")
    return data


def _remaining_s(deadline: float) -> float:
    """Return the seconds until the deadline.

    Raises:
        TimeoutError: the deadline has passed.
    """
    remaining_s = deadline - time.monotonic()
    if remaining_s <= 0:
        raise TimeoutError("no whole answer in time")
    return remaining_s


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _no_answer(body: bytes, what: str) -> ServiceError:
    return ServiceError(f"inference's answer holds no {what}", got=repr(body[:200]))
