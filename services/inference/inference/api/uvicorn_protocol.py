"""uvicorn's HTTP protocol, with an answer's head and body in one segment, and a rest after a 503.

uvicorn writes them one after the other; on a socket that does not wait for more (TCP_NODELAY, as
ours must) that is two segments, two system calls and two wake-ups of the client: a sixth of what
answering takes beside the computation.
"""

from __future__ import annotations

import asyncio
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD: Final = b"HTTP/1.1 "
CONTINUE: Final = b"HTTP/1.1 100 "
BUSY: Final = b"HTTP/1.1 503 "
REST_S: Final = 0.05
"""Whoever was refused for lack of time was told to come back in a second (Retry-After); for this
at least the connection is not read from. Else refusing the same clients over and over takes the
time from answering the others: at ten times the load, two fifths of it."""


class Joining:
    """A transport that writes the head of an answer together with what follows it at once.

    After a 503 it does not listen for REST_S.
    """

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._loop = asyncio.get_running_loop()
        self._head = b""

    def write(self, data: bytes) -> None:
        """Write; the head of an answer at the end of the event loop's turn at the latest."""
        if data.startswith(HEAD) and not data.startswith(CONTINUE):
            self._head = data
            self._loop.call_soon(self._flush)
            if data.startswith(BUSY):
                self._transport.pause_reading()
                self._loop.call_later(REST_S, self._listen)
        elif self._head:
            head, self._head = self._head, b""
            self._transport.write(head + data)
        else:
            self._transport.write(data)

    def close(self) -> None:
        """Close the connection, once all is written."""
        self._flush()
        self._transport.close()

    def _listen(self) -> None:
        if not self._transport.is_closing():
            self._transport.resume_reading()

    def _flush(self) -> None:
        if self._head:  # nothing followed, as after HEAD
            head, self._head = self._head, b""
            self._transport.write(head)

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever else a transport has
        return getattr(self._transport, name)


class Joined(HttpToolsProtocol):
    """The protocol; uvicorn is given the class."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Put ourselves between the protocol and its transport; asyncio calls this."""
        super().connection_made(Joining(transport))  # type: ignore[arg-type]
