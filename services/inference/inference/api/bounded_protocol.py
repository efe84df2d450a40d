"""An HTTP protocol for uvicorn whose requests are bounded in bytes and in time.

uvicorn bounds the head of a request only with h11, which costs a quarter more time for each answer,
and the time of a head, of a body or of a client that does not read its answer not at all. With
httptools a head may be endless, and each part of a long value is joined to all before it: one
connection keeps the event loop busy for minutes. docs/adr/0007-inference.md compares the servers.
"""

from __future__ import annotations

import asyncio
import enum
import http
import math
from dataclasses import dataclass
from typing import ClassVar, Final

from contract.errors import LapwingError
from inference.api import error_responses
from inference.api.connection_table import ConnectionTable
from inference.api.request_errors import (
    HeadTooLargeError,
    LateHeadError,
    LongMessageError,
    MalformedRequestError,
)
from inference.api.uvicorn_protocol import BUSY_PAUSE_S, SingleSegmentProtocol

MAX_HEAD_BYTES: Final = 32 * 1024
"""Number of bytes that the request line and the headers may have."""
MAX_HEADERS: Final = 100
"""Number of headers that a request may have; a browser sends about twenty."""
MAX_PIPELINED: Final = 100
"""Number of requests that may wait for the answers to those before them on the same connection."""
PIECE_BYTES: Final = 16 * 1024
"""What arrives is parsed in pieces of at most this size, after each of which the bounds hold."""


@dataclass(frozen=True)
class Deadlines:
    """The times in seconds after which a connection is ended."""

    head_s: float = 5.0
    """Until a head is complete, from its first byte; and until a new connection begins one."""
    idle_s: float = 6.0
    """Until the next request begins. This is a little more than timeout_keep_alive of uvicorn,
    which begins anew with each empty line that a client sends."""
    message_s: float = 10.0
    """Until the rest of a request is complete. /predict answers 408 after half of this time; the
    other pages do not read a body."""
    unread_s: float = 10.0
    """Until a client reads more of its answers."""


class Part(enum.Enum):
    """The part of a request that is arriving."""

    NONE = enum.auto()
    HEAD = enum.auto()
    REST = enum.auto()


class BoundedProtocol(SingleSegmentProtocol):
    """The protocol class for uvicorn; `bounded` makes it."""

    table: ClassVar[ConnectionTable]
    deadlines: ClassVar[Deadlines]
    max_message_bytes: ClassVar[int]
    """Number of bytes that may follow the head: the body, chunk headers and trailers."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin the deadline of the first request; asyncio calls this."""
        super().connection_made(transport)
        self.address = self.client[0] if self.client else ""
        self.opened_s = self.loop.time()
        self.answered_s = 0.0
        self._part = Part.NONE
        self._part_bytes = 0
        self._began_now = False
        self._deadline_s = self.opened_s + self.deadlines.head_s
        self._unread_s = math.inf
        """The time until which the client must read more of its answers."""
        self._fault: LapwingError | None = None
        self.table.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection; asyncio calls this."""
        self.table.remove(self)
        super().connection_lost(exc)

    @property
    def is_being_answered(self) -> bool:
        """Whether its request has arrived and its answer is on the way."""
        return (
            self._part is Part.NONE
            and self.cycle is not None
            and not self.cycle.response_complete
            and self._unread_s == math.inf
        )

    def abort(self) -> None:
        """Close the connection at once, whatever is still to be written."""
        self.transport.abort()

    def postpone(self, seconds: float) -> None:
        """Let the deadlines end later, since this process stood still."""
        self._deadline_s += seconds
        self._unread_s += seconds

    def check_deadline(self, now_s: float) -> bool:
        """End the connection if it is late; return whether it was."""
        if now_s > self._unread_s:
            self.abort()
            return True
        if self.transport.is_closing():  # closed, but the client has not read everything yet
            self._unread_s = min(self._unread_s, now_s + self.deadlines.unread_s)
            return False
        if now_s <= self._deadline_s:
            return False
        if self._part is Part.HEAD:
            remedy = f"Send it within {self.deadlines.head_s:g} s"
            self._refuse(LateHeadError("the headers did not arrive in time", remedy=remedy))
        else:
            self.transport.close()
        return True

    def data_received(self, data: bytes) -> None:
        """Parse what arrived; asyncio calls this."""
        for start in range(0, len(data), PIECE_BYTES):
            piece = data if len(data) <= PIECE_BYTES else data[start : start + PIECE_BYTES]
            self._began_now = False
            super().data_received(piece)
            if self.transport.is_closing():
                return
            # A piece that also holds the end of the part before is not counted.
            if not self._began_now:
                self._part_bytes += len(piece)
            if self._part is Part.HEAD and self._part_bytes > MAX_HEAD_BYTES:
                self._refuse(_too_large_head(f"{self._part_bytes} bytes and more to come"))
                return
            if self._part is Part.REST and self._part_bytes > self.max_message_bytes:
                self._refuse(
                    LongMessageError(
                        "the request is too large",
                        got=f"{self._part_bytes} bytes and more to come",
                        remedy=f"Send at most {self.max_message_bytes:,} bytes",
                    )
                )
                return

    def on_message_begin(self) -> None:
        """Begin a request; the parser calls this."""
        super().on_message_begin()
        self._begin(Part.HEAD, self.deadlines.head_s)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Add a header; the parser calls this for trailers as well, which nobody needs."""
        if self._part is Part.HEAD:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Check the head, and start the answer; the parser calls this."""
        if len(self.headers) > MAX_HEADERS:
            self._fault = _too_large_head(f"{len(self.headers)} headers")
            raise self._fault
        size = len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)
        if size > MAX_HEAD_BYTES:
            self._fault = _too_large_head(f"{size} bytes")
            raise self._fault
        if len(self.pipeline) >= MAX_PIPELINED:
            remedy = f"Wait for answers after {MAX_PIPELINED} requests"
            self._fault = MalformedRequestError("too many requests are waiting", remedy=remedy)
            raise self._fault
        super().on_headers_complete()
        self._begin(Part.REST, self.deadlines.message_s)

    def on_message_complete(self) -> None:
        """End a request; the parser calls this."""
        super().on_message_complete()
        self._begin(Part.NONE, self.deadlines.idle_s if self.cycle.response_complete else math.inf)

    def on_response_complete(self) -> None:
        """Wait for the next request; uvicorn calls this when it has written an answer."""
        super().on_response_complete()
        self.answered_s = self.loop.time()
        if self._part is Part.NONE and self.cycle.response_complete:
            self._deadline_s = self.answered_s + self.deadlines.idle_s

    def pause_writing(self) -> None:
        """Begin to wait for a client that does not read; asyncio calls this."""
        super().pause_writing()
        self._unread_s = self.loop.time() + self.deadlines.unread_s

    def resume_writing(self) -> None:
        """Stop waiting for a client that has read; asyncio calls this."""
        super().resume_writing()
        self._unread_s = math.inf

    def send_400_response(self, msg: str) -> None:
        """Refuse what the parser or on_headers_complete did not take; uvicorn calls this."""
        remedy = "Send HTTP/1.1, as RFC 9112 defines it"
        self._refuse(self._fault or MalformedRequestError(msg.rstrip("."), remedy=remedy))

    def _begin(self, part: Part, seconds: float) -> None:
        self._part = part
        self._part_bytes = 0
        self._began_now = True
        self._deadline_s = self.loop.time() + seconds

    def _refuse(self, error: LapwingError) -> None:
        """Close the connection, with an error unless that would mix with another answer."""
        if self._part is Part.REST:
            can_answer = not self.pipeline and not self.cycle.response_started
        else:
            can_answer = self.cycle is None or self.cycle.response_complete
        if can_answer:
            response = error_responses.response_to(error)
            status = http.HTTPStatus(response.status_code)
            lines = [f"HTTP/1.1 {status.value} {status.phrase}".encode()]
            lines += [name + b": " + value for name, value in response.raw_headers]
            self.transport.write(b"\r\n".join([*lines, b"", bytes(response.body)]))
        self.transport.close()


def bounded(
    table: ConnectionTable,
    max_body_bytes: int,
    deadlines: Deadlines | None = None,
    busy_pause_s: float = BUSY_PAUSE_S,
) -> type[BoundedProtocol]:
    """Return the protocol class of one server.

    Args:
        table: the connections of the server.
        max_body_bytes: number of bytes that a body may have; chunk headers and trailers may have as
            many again.
        deadlines: the times that clients may take; by default, those of Deadlines.
        busy_pause_s: time in seconds for which a connection is not read after a 503.
    """
    attributes = {
        "table": table,
        "max_message_bytes": 2 * max_body_bytes,
        "deadlines": deadlines or Deadlines(),
        "busy_pause_s": busy_pause_s,
    }
    return type("Protocol", (BoundedProtocol,), attributes)


def _too_large_head(got: str) -> HeadTooLargeError:
    return HeadTooLargeError(
        "the headers are too large",
        got=got,
        remedy=f"Send at most {MAX_HEADERS} headers and {MAX_HEAD_BYTES:,} bytes",
    )
