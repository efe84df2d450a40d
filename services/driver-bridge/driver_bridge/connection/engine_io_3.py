"""The payloads of long polling in Engine.IO 3, rewritten from and to those of Engine.IO 4.

Engine.IO 3 writes the length of each packet before it. Engine.IO 4 puts a record separator between
two packets. Source: https://github.com/socketio/socket.io/blob/main/docs/engine.io-protocol/v3.md
"""

from __future__ import annotations

import base64
from typing import Final

SEPARATOR: Final = "\x1e"
"""Stands between two packets of Engine.IO 4. JSON never holds it: it is a control character."""
BASE64: Final = "b"
"""First character of a binary packet that is written as base64 text."""
TEXT_HEADER, BINARY_HEADER, LENGTH_END = b"\x00", b"\x01", b"\xff"
MESSAGE: Final = b"\x04"
"""First byte of a binary packet: the type MESSAGE. Engine.IO 4 does not write it."""


def decode_payload(body: bytes) -> str:
    """Return a payload of Engine.IO 3 as one of Engine.IO 4.

    Binary packets keep the byte of their type, as they do on a websocket of Engine.IO 3.

    Args:
        body: packets in either of the two forms: as text, each with its number of UTF-16 code
            units, or with bytes, each with its number of bytes.

    Raises:
        ValueError: the body is no payload.
    """
    binary = body[:1] in (TEXT_HEADER, BINARY_HEADER)
    packets = _binary_packets(body) if binary else _text_packets(body)
    if any(SEPARATOR in packet for packet in packets):
        raise ValueError("a packet holds the separator of packets")
    return SEPARATOR.join(packets)


def encode_payload(payload: str) -> str:
    """Return a payload of Engine.IO 4, of text packets only, as one of Engine.IO 3."""
    packets = payload.split(SEPARATOR)
    return "".join(f"{len(packet.encode('utf-16-le')) // 2}:{packet}" for packet in packets)


def _text_packets(body: bytes) -> list[str]:
    # JavaScript counts UTF-16 code units, so a character beyond 65,535 counts twice.
    units = body.decode().encode("utf-16-le")
    colon = ":".encode("utf-16-le")
    packets, position = [], 0
    while position < len(units):
        end = units.find(colon, position)
        start = end + len(colon)
        size = 2 * _length(units[position:end].decode("utf-16-le")) if end >= 0 else -1
        if size < 0 or start + size > len(units):
            raise ValueError("a packet is shorter than its length says")
        packet = units[start : start + size].decode("utf-16-le")
        if packet.startswith(BASE64):
            # Here the type is a character before the base64 text: "b4AQID".
            if packet[1:2] != "4":
                raise ValueError("a binary packet is no MESSAGE")
            packet = _as_base64(MESSAGE + base64.b64decode(packet[2:], validate=True))
        packets.append(packet)
        position = start + size
    return packets


def _binary_packets(body: bytes) -> list[str]:
    packets, position = [], 0
    while position < len(body):
        end = body.find(LENGTH_END, position)
        # Each digit of the length is a byte from 0 to 9, not a character.
        digits = body[position + 1 : end]
        size = (
            _length("".join(map(str, digits))) if end >= 0 and max(digits, default=10) < 10 else 0
        )
        packet = body[end + 1 : end + 1 + size]
        if not 0 < size == len(packet):
            raise ValueError("a packet is shorter than its length says")
        binary = body[position : position + 1] == BINARY_HEADER
        packets.append(_as_base64(packet) if binary else packet.decode())
        position = end + 1 + size
    return packets


def _length(digits: str) -> int:
    if not digits.isdecimal() or len(digits) > 9:
        raise ValueError(f"the length of a packet is no number: {digits[:16]!r}")
    return int(digits)


def _as_base64(data: bytes) -> str:
    return BASE64 + base64.b64encode(data).decode()
