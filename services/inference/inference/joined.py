"""uvicorn's HTTP protocol, with an answer's head and body in one segment.

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


class Joining:
    """A transport that writes the head of an answer together with what follows it at once."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._loop = asyncio.get_running_loop()
        self._head = b""

    def write(self, data: bytes) -> None:
        """Write; the head of an answer at the end of the event loop's turn at the latest."""
        if data.startswith(HEAD) and not data.startswith(CONTINUE):
            self._head = data
            self._loop.call_soon(self._flush)
        elif self._head:
            head, self._head = self._head, b""
            self._transport.write(head + data)
        else:
            self._transport.write(data)

    def close(self) -> None:
        """Close the connection, once all is written."""
        self._flush()
        self._transport.close()

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
