"""An HTTP protocol for uvicorn that sends an answer in one segment, and pauses after a 503.

uvicorn writes the head and the body of an answer separately. On a socket that does not wait for
more data (ours must have TCP_NODELAY) this makes two segments, two system calls and two wake-ups of
the client: a sixth of the time of an answer without its computation.
"""

from __future__ import annotations

import asyncio
from typing import Any, ClassVar, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD_START: Final = b"HTTP/1.1 "
CONTINUE_START: Final = b"HTTP/1.1 100 "
BUSY_START: Final = b"HTTP/1.1 503 "
BUSY_PAUSE_S: Final = 0.05
"""Time in seconds for which a connection is not read after a 503. The client was told to come back
in a second (Retry-After). Without this pause, the time to refuse the same clients over and over is
missing to answer the others: at ten times the load, two fifths of it."""


class SingleSegmentTransport:
    """A transport that writes the head of an answer together with the data right after it.

    Args:
        transport: the transport of the connection.
        busy_pause_s: time in seconds for which it does not read after a 503.
    """

    def __init__(self, transport: asyncio.Transport, busy_pause_s: float) -> None:
        self._transport = transport
        self._busy_pause_s = busy_pause_s
        self._loop = asyncio.get_running_loop()
        self._head = b""

    def write(self, data: bytes) -> None:
        """Write data; the head of an answer waits at most for the end of this event loop turn."""
        if data.startswith(HEAD_START) and not data.startswith(CONTINUE_START):
            self._head = data
            self._loop.call_soon(self._flush)
            if data.startswith(BUSY_START):
                self._transport.pause_reading()
                self._loop.call_later(self._busy_pause_s, self._resume)
        elif self._head:
            head, self._head = self._head, b""
            self._transport.write(head + data)
        else:
            self._transport.write(data)

    def close(self) -> None:
        """Close the connection once all data is written."""
        self._flush()
        self._transport.close()

    def _resume(self) -> None:
        if not self._transport.is_closing():
            self._transport.resume_reading()

    def _flush(self) -> None:
        if self._head:  # no body followed, as after HEAD
            head, self._head = self._head, b""
            self._transport.write(head)

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - all other attributes of a transport
        return getattr(self._transport, name)


class SingleSegmentProtocol(HttpToolsProtocol):
    """The protocol class for uvicorn."""

    busy_pause_s: ClassVar[float] = BUSY_PAUSE_S

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Wrap the transport of a new connection; asyncio calls this."""
        single_segment = SingleSegmentTransport(transport, self.busy_pause_s)
        super().connection_made(single_segment)  # type: ignore[arg-type]
