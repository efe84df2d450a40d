"""Tests of the message reader against a writer of another library, and of the mask."""

import importlib.metadata
import os
import random
import struct
import subprocess
import sys

import pytest
from websocket import ABNF

from driver_bridge.connection.websocket import (
    BINARY,
    CLOSE,
    PING,
    TEXT,
    Message,
    MessageReader,
    WebSocketError,
    apply_mask,
)

LIMIT = 300_000


def frame(
    data: bytes, opcode: int = TEXT, *, final: bool = True, mask: bytes | None = None
) -> bytes:
    """Return a frame as websocket-client writes it."""
    frame = ABNF(1 if final else 0, 0, 0, 0, opcode, 1, data)
    return bytes(frame.format()) if mask is None else _masked(data, opcode, final, mask)


def _masked(data: bytes, opcode: int, final: bool, mask: bytes) -> bytes:
    head = struct.pack(">BBH", opcode | (128 if final else 0), 128 | 126, len(data))
    return head + mask + bytes(byte ^ mask[index % 4] for index, byte in enumerate(data))


def read(raw: bytes, step: int = 1 << 20, limit: int = LIMIT) -> list[Message]:
    reader, messages = MessageReader(limit), []
    for start in range(0, len(raw), step):
        reader.feed(raw[start : start + step])
        while (message := reader.next_message()) is not None:
            messages.append(message)
    return messages


@pytest.mark.parametrize("size", [0, 1, 125, 126, 127, 18_000, 65_535, 65_536, LIMIT])
def test_a_message_of_any_size_is_read(size: int) -> None:
    data = os.urandom(size)
    assert read(frame(data, BINARY)) == [(BINARY, data)]


@pytest.mark.parametrize("mask", [b"\0\0\0\0", b"\1\2\3\4"])
def test_a_message_is_read_with_and_without_an_effective_mask(mask: bytes) -> None:
    assert read(frame(b"hello", mask=mask)) == [(TEXT, b"hello")]


@pytest.mark.parametrize("step", [1, 2, 3, 7, 1000])
def test_messages_are_read_however_the_bytes_are_split(step: int) -> None:
    raw = frame(b"one") + frame(b"x" * 3000, BINARY) + frame(b"", PING) + frame(b"two")
    expected = [(TEXT, b"one"), (BINARY, b"x" * 3000), (PING, b""), (TEXT, b"two")]
    assert read(raw, step) == expected


def test_fragments_are_joined_and_a_ping_may_come_between_them() -> None:
    raw = (
        frame(b"a", final=False)
        + frame(b"b", 0, final=False)
        + frame(b"?", PING)
        + frame(b"c", 0)
        + frame(b"d")
    )
    assert read(raw) == [(PING, b"?"), (TEXT, b"abc"), (TEXT, b"d")]


def test_a_message_that_never_ends_is_refused_at_the_limit() -> None:
    reader = MessageReader(1000)
    reader.feed(frame(b"x" * 400, final=False) + frame(b"x" * 400, 0, final=False))
    assert reader.next_message() is None
    reader.feed(frame(b"x" * 400, 0, final=False))
    with pytest.raises(WebSocketError, match="may have at most 1000 bytes") as refused:
        reader.next_message()
    assert refused.value.status == 1009


@pytest.mark.parametrize("size", [1001, 1 << 16, 1 << 62])
def test_a_large_frame_is_refused_from_its_header_alone(size: int) -> None:
    head = (
        struct.pack(">BBH", 0x81, 0xFE, size)
        if size < 1 << 16
        else struct.pack(">BBQ", 0x81, 0xFF, size)
    )
    with pytest.raises(WebSocketError, match="may have at most 1000 bytes"):
        read(head, limit=1000)


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"\x81\x03abc", "must mask its frames"),
        (b"\xc1\x80\0\0\0\0", "no extension"),
        (b"\x83\x80\0\0\0\0", "opcode of a frame is unknown"),
        (b"\x09\x80\0\0\0\0", "must be short and whole"),
        (b"\x89\xfe\x00\x7e\0\0\0\0" + b"x" * 126, "must be short and whole"),
        (b"\x80\x80\0\0\0\0", "out of order"),
        (b"\x01\x80\0\0\0\0\x81\x80\0\0\0\0", "out of order"),
    ],
)
def test_frames_that_break_the_protocol_are_refused(raw: bytes, reason: str) -> None:
    with pytest.raises(WebSocketError, match=reason) as refused:
        read(raw)
    assert refused.value.status == 1002


def test_damaged_frames_are_read_or_refused() -> None:
    rng = random.Random(1)
    refusals = 0
    for _ in range(3000):
        raw = bytearray(frame(rng.randbytes(rng.randrange(40)), rng.choice([TEXT, CLOSE, PING])))
        for _ in range(rng.randrange(4)):
            raw[rng.randrange(len(raw))] = rng.randrange(256)
        try:
            read(bytes(raw), rng.randrange(1, 9))
        except WebSocketError:
            refusals += 1
    assert 300 < refusals < 2700


COMPARED = """
import inspect, random, warnings
warnings.simplefilter("ignore")
from eventlet.websocket import RFC6455WebSocket
from driver_bridge.connection.websocket import apply_mask
theirs = inspect.getattr_static(RFC6455WebSocket, "_apply_mask")
assert isinstance(theirs, staticmethod)
# The method that server.py replaces, and the methods that its replacement calls.
for method, parameters in (("wait", ["self"]), ("send", ["self", "message", "kw"]),
                           ("close", ["self", "close_data"])):
    assert list(inspect.signature(getattr(RFC6455WebSocket, method)).parameters) == parameters
rng = random.Random(1)
for size in [*range(12), 1000, 18_001]:
    for offset in range(5):
        data, mask = rng.randbytes(size), list(rng.randbytes(4))
        assert apply_mask(data, mask, size, offset) == theirs(data, mask, size, offset), size
        assert apply_mask(data, mask) == theirs(data, mask), size
"""


def test_the_release_of_eventlet_is_the_one_that_is_replaced() -> None:
    assert importlib.metadata.version("eventlet").startswith("0.41.")


def test_the_mask_is_that_of_eventlet_and_its_methods_have_not_changed() -> None:
    done = subprocess.run([sys.executable, "-c", COMPARED], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_the_example_of_the_rfc_is_unmasked() -> None:
    masked = bytes([0x7F, 0x9F, 0x4D, 0x51, 0x58])
    assert apply_mask(masked, [0x37, 0xFA, 0x21, 0x3D]) == b"Hello"


@pytest.mark.parametrize("size", [0, 1, 3, 4, 5, 20_000])
def test_masking_twice_gives_the_data_back(size: int) -> None:
    data, mask = bytes(range(256)) * (size // 256 + 1), [1, 2, 3, 250]
    assert apply_mask(apply_mask(data[:size], mask), mask) == data[:size]
