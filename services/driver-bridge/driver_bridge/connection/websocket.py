"""Reads a client's websocket (RFC 6455, section 5): bytes in, whole messages out, within bounds.

eventlet's own reader asks the socket five times for a telemetry, and keeps every fragment of a
message that never ends. This one takes what is there, and no message grows beyond the limit.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

TEXT: Final = 1
BINARY: Final = 2
CLOSE: Final = 8
PING: Final = 9
PONG: Final = 10
CONTROL: Final = 8
"""The bit of an opcode that control frames have."""

PROTOCOL_ERROR: Final = 1002
TOO_LARGE: Final = 1009

Message = tuple[int, bytes]
"""Opcode and payload."""


class FrameRefused(Exception):  # noqa: N818 - it says what to do: close with this status
    """The client breaks the protocol, or a bound of ours.

    Args:
        status: to close the connection with.
        reason: in words.
    """

    def __init__(self, status: int, reason: str) -> None:
        self.status = status
        self.reason = reason
        super().__init__(reason)


class Frames:
    """The messages of one connection.

    Args:
        limit: bytes that a message may have, over all its fragments.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._buffer = bytearray()
        self._opcode = 0
        self._parts = bytearray()

    def feed(self, data: bytes) -> None:
        """Take what was received."""
        self._buffer += data

    def message(self) -> Message | None:
        """Return the next whole message or control frame, or None: more has to be received.

        Raises:
            FrameRefused: what was received is not acceptable.
        """
        while (frame := self._frame()) is not None:
            opcode, final, payload = frame
            if opcode & CONTROL:
                if not final or len(payload) > 125:
                    raise FrameRefused(PROTOCOL_ERROR, "a control frame is short and whole")
                return opcode, payload
            if bool(opcode) == bool(self._opcode):
                raise FrameRefused(PROTOCOL_ERROR, "a fragment out of its order")
            if final and opcode:
                return opcode, payload
            self._opcode = self._opcode or opcode
            self._parts += payload
            if len(self._parts) > self._limit:
                raise FrameRefused(TOO_LARGE, f"a message has at most {self._limit} bytes")
            if final:
                whole = self._opcode, bytes(self._parts)
                self._opcode = 0
                self._parts.clear()
                return whole
        return None

    def _frame(self) -> tuple[int, bool, bytes] | None:
        """Take one frame off the buffer: opcode, whether it is its message's last, payload."""
        buffer = self._buffer
        if len(buffer) < 2:
            return None
        first, second = buffer[0], buffer[1]
        if first & 0x70:
            raise FrameRefused(PROTOCOL_ERROR, "no extension was agreed on")
        if first & 0x0F not in (0, TEXT, BINARY, CLOSE, PING, PONG):
            raise FrameRefused(PROTOCOL_ERROR, "an unknown kind of frame")
        if not second & 0x80:
            raise FrameRefused(PROTOCOL_ERROR, "a client masks its frames")
        size, start = second & 0x7F, 2
        if size >= 126:
            start = 4 if size == 126 else 10
            if len(buffer) < start:
                return None
            size = int.from_bytes(buffer[2:start], "big")
        if size > self._limit:
            raise FrameRefused(TOO_LARGE, f"a message has at most {self._limit} bytes")
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
    """Return `data` with its mask put on or taken off, which is the same.

    Args:
        data: of a frame, or a part of it.
        mask: its four bytes.
        length: of the data that count; None: all.
        offset: of the part within the frame.
    """
    size = len(data) if length is None else length
    turned = bytes(mask[(offset + place) % 4] for place in range(4))
    pattern = (turned * (size // 4 + 1))[:size]
    masked = int.from_bytes(data[:size], "little") ^ int.from_bytes(pattern, "little")
    return masked.to_bytes(size, "little")
