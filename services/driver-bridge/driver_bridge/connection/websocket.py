"""The reader of a client's websocket (RFC 6455, section 5): bytes in, whole messages out.

eventlet's own reader reads the socket five times for one telemetry, and keeps every fragment of a
message that never ends. This reader takes what has arrived, and no message grows beyond its limit.

The opening handshake, before the first byte that this module reads, is eventlet's: see server.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

TEXT: Final = 1
BINARY: Final = 2
CLOSE: Final = 8
PING: Final = 9
PONG: Final = 10
CONTROL_BIT: Final = 8
"""Bit of the opcode that is set in control frames."""

PROTOCOL_ERROR: Final = 1002
TOO_LARGE: Final = 1009

Message = tuple[int, bytes]
"""Opcode and payload."""


class WebSocketError(Exception):
    """The client broke the protocol or a limit, and its connection must be closed.

    Args:
        status: status code to close the connection with.
        reason: the reason in words.
    """

    def __init__(self, status: int, reason: str) -> None:
        self.status = status
        self.reason = reason
        super().__init__(reason)


class MessageReader:
    """Reads the messages of one connection.

    Args:
        limit: maximum number of bytes of a message, over all its fragments.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._buffer = bytearray()
        self._opcode = 0
        self._parts = bytearray()

    def feed(self, data: bytes) -> None:
        """Add bytes that were received."""
        self._buffer += data

    def next_message(self) -> Message | None:
        """Return the next whole message or control frame, or None where more bytes are needed.

        Raises:
            WebSocketError: the bytes break the protocol or the limit.
        """
        while (frame := self._next_frame()) is not None:
            opcode, final, payload = frame
            if opcode & CONTROL_BIT:
                if not final or len(payload) > 125:
                    raise WebSocketError(PROTOCOL_ERROR, "a control frame must be short and whole")
                return opcode, payload
            if bool(opcode) == bool(self._opcode):
                raise WebSocketError(PROTOCOL_ERROR, "a fragment is out of order")
            if final and opcode:
                return opcode, payload
            self._opcode = self._opcode or opcode
            self._parts += payload
            if len(self._parts) > self._limit:
                raise self._too_large()
            if final:
                message = self._opcode, bytes(self._parts)
                self._opcode = 0
                self._parts.clear()
                return message
        return None

    def _too_large(self) -> WebSocketError:
        return WebSocketError(TOO_LARGE, f"a message may have at most {self._limit} bytes")

    def _next_frame(self) -> tuple[int, bool, bytes] | None:
        """Remove one frame from the buffer; return opcode, whether it is final, and payload."""
        buffer = self._buffer
        if len(buffer) < 2:
            return None
        first, second = buffer[0], buffer[1]
        if first & 0x70:
            raise WebSocketError(PROTOCOL_ERROR, "no extension was agreed on")
        if first & 0x0F not in (0, TEXT, BINARY, CLOSE, PING, PONG):
            raise WebSocketError(PROTOCOL_ERROR, "the opcode of a frame is unknown")
        if not second & 0x80:
            raise WebSocketError(PROTOCOL_ERROR, "a client must mask its frames")
        size, start = second & 0x7F, 2
        if size >= 126:
            start = 4 if size == 126 else 10
            if len(buffer) < start:
                return None
            size = int.from_bytes(buffer[2:start], "big")
        if size > self._limit:
            raise self._too_large()
        end = start + 4 + size
        if len(buffer) < end:
            return None
        mask, payload = buffer[start : start + 4], bytes(buffer[start + 4 : end])
        del buffer[:end]
        if any(mask):
            payload = apply_mask(payload, mask)
        return first & 0x0F, bool(first & 0x80), payload


def apply_mask(
    data: bytes, mask: Sequence[int], length: int | None = None, offset: int = 0
) -> bytes:
    """Return `data` with its mask added or removed, which is the same (RFC 6455, section 5.3).

    eventlet does it byte by byte in Python: 3.6 ms for the 18 kB of a telemetry, which was most of
    the time that the bridge added to a round trip. This is one XOR of two long integers, 200 times
    as fast; tests/driver_bridge/connection/test_websocket.py compares the two.

    Args:
        data: payload of a frame, or a part of it.
        mask: the four bytes of the mask.
        length: number of bytes of `data` to use; None for all of them.
        offset: position of `data` in the frame's payload.
    """
    size = len(data) if length is None else length
    rotated = bytes(mask[(offset + index) % 4] for index in range(4))
    pattern = (rotated * (size // 4 + 1))[:size]
    masked = int.from_bytes(data[:size], "little") ^ int.from_bytes(pattern, "little")
    return masked.to_bytes(size, "little")
