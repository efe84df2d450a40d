"""A client's websocket: whole messages in, frames out.

`wsproto` speaks the protocol (RFC 6455), from the handshake to the last frame. This module gives it
the bytes of a socket, bounds what one client may send, and has the kernel acknowledge each piece of
a message at once.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from typing import Any, Final, Protocol

import h11
from wsproto import ConnectionType, WSConnection
from wsproto.events import (
    AcceptConnection,
    BytesMessage,
    CloseConnection,
    Event,
    Message,
    Ping,
    RejectConnection,
    TextMessage,
)
from wsproto.frame_protocol import CloseReason
from wsproto.utilities import LocalProtocolError, RemoteProtocolError

MAX_FRAGMENTS: Final = 4096
"""Number of frames that a message may have. The library of the real simulator, websocket-sharp,
sends 18 for a telemetry; a message of empty frames alone would never reach its limit of bytes."""
RECEIVE_BYTES: Final = 65_536
EVENTS_A_TURN: Final = 32
"""Number of events after which other clients have their turn. 64 kB can hold 10,000 empty frames,
which take a tenth of a second to read."""
QUICK_ACK: Final[int | None] = getattr(socket, "TCP_QUICKACK", None)
"""The option of Linux that has the kernel acknowledge at once what was received."""
HANDSHAKE_HEADERS: Final = ("HOST", "CONNECTION", "UPGRADE")
WEBSOCKET_HEADERS: Final = ("SEC_WEBSOCKET_KEY", "SEC_WEBSOCKET_VERSION")
"""The headers that matter to the handshake, by their names in WSGI. Extensions are left out: the
only one in use is compression, which would cost more time than all else for JPEGs in base64."""


class HandshakeError(Exception):
    """The request is no handshake of a websocket.

    Args:
        status: status of the answer.
        headers: headers of the answer.
        reason: the reason in words.
    """

    def __init__(self, status: int, headers: list[tuple[str, str]], reason: str) -> None:
        self.status = status
        self.headers = headers
        super().__init__(reason)


class ByteStream(Protocol):
    """What this module uses of a socket."""

    def recv(self, size: int, /) -> bytes:
        """Return what has arrived; b"" once the client has closed."""

    def sendall(self, data: bytes, /) -> object:
        """Send all of the data."""

    def setsockopt(self, level: int, name: int, value: int, /) -> object:
        """Set an option."""

    def shutdown(self, how: int, /) -> object:
        """End the connection."""


def shake_hands(environ: Mapping[str, Any]) -> tuple[WSConnection, bytes]:
    """Return the protocol of a websocket, and the bytes that accept the request of `environ`.

    Raises:
        HandshakeError: the request is no handshake.
    """
    protocol = WSConnection(ConnectionType.SERVER)
    names = [name for name in HANDSHAKE_HEADERS + WEBSOCKET_HEADERS if f"HTTP_{name}" in environ]
    headers = [
        (name.replace("_", "-").lower().encode(), environ[f"HTTP_{name}"].encode("latin-1"))
        for name in names
    ]
    try:
        protocol.initiate_upgrade_connection(headers, "/")
        return protocol, protocol.send(AcceptConnection())
    except RemoteProtocolError as error:
        hint = error.event_hint
        rejection = hint if isinstance(hint, RejectConnection) else RejectConnection()
        answer = [(name.decode(), value.decode()) for name, value in rejection.headers]
        raise HandshakeError(rejection.status_code, answer, str(error)) from error
    except (h11.LocalProtocolError, UnicodeError) as error:
        raise HandshakeError(400, [], "a header of the handshake is damaged") from error


class MessageSocket:
    """A websocket after its handshake, with the methods that python-engineio calls.

    Args:
        stream: the socket.
        protocol: its protocol, after the handshake.
        limit: maximum number of bytes of a message, over all its fragments.
        clock: returns seconds that never go backwards.
        give_way: lets the other clients have their turn.
    """

    def __init__(
        self,
        stream: ByteStream,
        protocol: WSConnection,
        limit: int,
        clock: Callable[[], float],
        give_way: Callable[[], object],
    ) -> None:
        self.socket = stream
        self.began_s = 0.0
        """When the first bytes of the message arrived that `wait` returned last."""
        self._protocol: WSConnection | None = protocol
        """None once nothing is read any more: it holds what has arrived."""
        self._limit = limit
        self._clock = clock
        self._give_way = give_way
        self._sending = threading.Lock()
        self._open = True
        self._events: Iterator[Event] = iter(())
        self._received_s = 0.0
        """When bytes arrived last."""
        self._first_s: float | None = None
        """When the first bytes of the message arrived that is not complete yet."""
        self._parts: list[str | bytes] = []
        self._size = 0
        self._fragments = 0

    def wait(self) -> str | bytes | None:
        """Return the next message, or None once the connection has ended.

        A client that breaks the protocol or a limit is disconnected, with the reason.

        Raises:
            TimeoutError: nothing arrived within the time limit of the socket.
            OSError: the connection was lost.
        """
        try:
            message = self._next_message()
        except TimeoutError:  # only a time limit of the socket has passed: it may be read again
            raise
        except OSError:
            self._forget()
            raise
        if message is None:
            self._forget()
        return message

    def _next_message(self) -> str | bytes | None:
        handled = 0
        while self._open:
            event = next(self._events, None)
            if event is None:
                self._receive()
                continue
            handled += 1
            if handled % EVENTS_A_TURN == 0:
                self._give_way()
            if self._first_s is None:
                self._first_s = self._received_s
            if not isinstance(event, Message):
                self._control(event)
            elif (message := self._add(event)) is not None:
                # Without this, a client that always sends more would be read for ever and alone.
                self._give_way()
                return message
        return None

    def _forget(self) -> None:
        """Drop what has arrived of a message, since no more of it is read.

        python-engineio keeps its objects of a connection for some seconds after the end, and with
        them this one. A client that connects again and again must not leave its messages there.
        """
        self._parts, self._events = [], iter(())
        self._protocol = None

    def send(self, message: str | bytes) -> None:
        """Send a message.

        Raises:
            OSError: the connection has ended.
        """
        if isinstance(message, str):
            self._send(TextMessage(data=message))
        else:
            self._send(BytesMessage(data=message))

    def close(self, code: int = CloseReason.NORMAL_CLOSURE, reason: str = "") -> None:
        """End the connection; the client is told the code and the reason if it still listens."""
        with suppress(OSError):  # a client that left first need not be told
            self._send(CloseConnection(code=code, reason=reason))
        self._open = False
        with suppress(OSError):  # it may be shut already
            # Whoever waits for bytes of this client wakes. eventlet closes the socket after that.
            self.socket.shutdown(socket.SHUT_RDWR)

    def _receive(self) -> None:
        data = self.socket.recv(RECEIVE_BYTES)
        if not data:
            self._open = False
            return
        if QUICK_ACK is not None:
            # The real client leaves Nagle's algorithm on: its next fragment waits until this one is
            # acknowledged, which the kernel delays by 40 ms. It forgets the option by itself.
            self.socket.setsockopt(socket.IPPROTO_TCP, QUICK_ACK, 1)
        self._received_s = self._clock()
        if self._first_s is None:
            self._first_s = self._received_s
        assert self._protocol is not None
        self._protocol.receive_data(data)
        self._events = self._protocol.events()

    def _add(self, event: Message[Any]) -> str | bytes | None:
        """Add a fragment, or a part of one, and return the message if it is complete."""
        part: str | bytes = event.data if isinstance(event.data, str) else bytes(event.data)
        if part:
            self._parts.append(part)
        self._size += len(part.encode()) if isinstance(part, str) else len(part)
        self._fragments += event.frame_finished
        if self._size > self._limit or self._fragments > MAX_FRAGMENTS:
            self.close(
                CloseReason.MESSAGE_TOO_BIG,
                f"a message may have at most {self._limit} bytes and {MAX_FRAGMENTS} fragments",
            )
            return None
        if not event.message_finished:
            return None
        empty: Any = "" if isinstance(event, TextMessage) else b""
        message: str | bytes = empty.join(self._parts)
        self.began_s, self._first_s = self._first_s or 0.0, None
        self._parts, self._size, self._fragments = [], 0, 0
        return message

    def _control(self, event: Event) -> None:
        if isinstance(event, Ping):
            self._send(event.response())
        elif isinstance(event, CloseConnection):
            # The client closes, or wsproto has found that it breaks the protocol.
            self.close(event.code, event.reason or "")
        if not self._fragments and not self._parts:
            self._first_s = None

    def _send(self, event: Event) -> None:
        protocol = self._protocol
        if protocol is None:
            raise ConnectionResetError("the websocket is closed")
        try:
            with self._sending:  # a PONG must not fall into the middle of an answer
                self.socket.sendall(protocol.send(event))
        except LocalProtocolError as error:
            raise ConnectionResetError("the websocket is closed") from error
