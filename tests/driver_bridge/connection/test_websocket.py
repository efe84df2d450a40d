"""Tests of the bridge's end of a websocket against another library's client (websocket-client)."""

import gc
import os
import random
import socket
import struct
import threading
import tracemalloc
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
from websocket import ABNF
from wsproto import WSConnection

from driver_bridge.connection.websocket import (
    MAX_FRAGMENTS,
    QUICK_ACK,
    HandshakeError,
    MessageSocket,
    shake_hands,
)

LIMIT = 300_000
ENVIRON = {
    "HTTP_HOST": "127.0.0.1:4567",
    "HTTP_CONNECTION": "keep-alive, Upgrade",
    "HTTP_UPGRADE": "websocket",
    "HTTP_SEC_WEBSOCKET_KEY": "dGhlIHNhbXBsZSBub25jZQ==",
    "HTTP_SEC_WEBSOCKET_VERSION": "13",
}
TEXT, BINARY, CLOSE, PING, PONG = (
    ABNF.OPCODE_TEXT,
    ABNF.OPCODE_BINARY,
    ABNF.OPCODE_CLOSE,
    ABNF.OPCODE_PING,
    ABNF.OPCODE_PONG,
)


def frame(data: bytes, opcode: int = TEXT, *, final: bool = True) -> bytes:
    """Return a frame as websocket-client writes it."""
    return bytes(ABNF(int(final), 0, 0, 0, opcode, 1, data).format())


class Stream:
    """A socket that receives given pieces, and keeps what is sent."""

    def __init__(self, pieces: list[bytes]) -> None:
        self.pieces = pieces
        self.sent = b""
        self.options: list[tuple[int, int, int]] = []
        self.shut = False
        self.now_s = 0.0

    def recv(self, size: int, /) -> bytes:
        self.now_s += 1.0
        return self.pieces.pop(0) if self.pieces else b""

    def sendall(self, data: bytes, /) -> None:
        self.sent += data

    def setsockopt(self, *option: int) -> None:
        assert len(option) == 3
        self.options.append(option)

    def shutdown(self, how: int, /) -> None:
        self.shut = True


def opened() -> WSConnection:
    return shake_hands(ENVIRON)[0]


def connect(pieces: list[bytes], limit: int = LIMIT) -> tuple[MessageSocket, Stream]:
    """Return a websocket to a client that sends these pieces and leaves."""
    stream = Stream(pieces)
    websocket = MessageSocket(stream, opened(), limit, lambda: stream.now_s, lambda: None)
    return websocket, stream


def read(raw: bytes, step: int = 1 << 20, limit: int = LIMIT) -> tuple[list[str | bytes], Stream]:
    """Return all messages that are read until the connection ends."""
    pieces = [raw[start : start + step] for start in range(0, len(raw), step)]
    websocket, stream = connect(pieces, limit)
    messages = []
    while (message := websocket.wait()) is not None:
        messages.append(message)
    return messages, stream


def closed(stream: Stream) -> tuple[int, str]:
    """Return the status and the reason of the CLOSE frame that was sent last."""
    assert stream.shut
    start = stream.sent.rindex(b"\x88")
    status, reason = struct.unpack(">H", stream.sent[start + 2 : start + 4])[0], stream.sent[start:]
    return status, reason[4:].decode()


def test_the_handshake_of_the_rfc_is_accepted() -> None:
    """The key and its answer are the example of RFC 6455, section 1.3."""
    head, *headers = shake_hands(ENVIRON)[1].decode().split("\r\n")
    assert head.startswith("HTTP/1.1 101 ")
    assert "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" in headers


def test_compression_is_not_agreed_on() -> None:
    environ = ENVIRON | {"HTTP_SEC_WEBSOCKET_EXTENSIONS": "permessage-deflate"}
    assert b"xtensions" not in shake_hands(environ)[1]


@pytest.mark.parametrize(
    ("changed", "status"),
    [
        ({"HTTP_SEC_WEBSOCKET_VERSION": "8"}, 426),
        ({"HTTP_SEC_WEBSOCKET_KEY": None}, 400),
        ({"HTTP_UPGRADE": "h2c"}, 400),
        ({"HTTP_CONNECTION": "close"}, 400),
        ({"HTTP_HOST": None}, 400),
        ({"HTTP_HOST": "\xe9" * 80}, 400),
        ({"HTTP_SEC_WEBSOCKET_KEY": "a\0b"}, 400),
    ],
)
def test_what_is_no_handshake_is_refused(changed: dict[str, Any], status: int) -> None:
    environ = {name: value for name, value in (ENVIRON | changed).items() if value is not None}
    with pytest.raises(HandshakeError) as refused:
        shake_hands(environ)
    assert refused.value.status == status


@pytest.mark.parametrize("size", [0, 1, 125, 126, 127, 18_000, 65_535, 65_536, LIMIT])
def test_a_message_of_any_size_is_read(size: int) -> None:
    data = os.urandom(size)
    assert read(frame(data, BINARY))[0] == [data]


@pytest.mark.parametrize("step", [1, 2, 3, 7, 1000])
def test_messages_are_read_however_the_bytes_are_split(step: int) -> None:
    raw = frame(b"one") + frame(b"x" * 3000, BINARY) + frame(b"", PING) + frame("zwö".encode())
    messages, stream = read(raw, step)
    assert messages == ["one", b"x" * 3000, "zwö"]
    assert stream.sent[:2] == b"\x8a\x00"


def test_fragments_are_joined_and_a_ping_may_come_between_them() -> None:
    half = "ü".encode()
    raw = (
        frame(b"a" + half[:1], final=False)
        + frame(half[1:], 0, final=False)
        + frame(b"?", PING)
        + frame(b"c", 0)
        + frame(b"d")
    )
    messages, stream = read(raw)
    assert messages == ["aüc", "d"]
    assert stream.sent.startswith(b"\x8a\x01?")


def test_a_message_that_never_ends_is_refused_at_the_limit() -> None:
    pieces = [frame(b"x" * 400, final=False)] + [frame(b"x" * 400, 0, final=False)] * 100
    websocket, stream = connect(pieces, limit=1000)
    assert websocket.wait() is None
    assert closed(stream) == (1009, f"a message may have at most 1000 bytes and {MAX_FRAGMENTS} "
                              "fragments")  # fmt: skip
    assert len(stream.pieces) == 98  # of the third fragment nothing was kept, and no more was read


def test_a_frame_that_never_ends_is_refused_at_the_limit() -> None:
    head = struct.pack(">BBQ", 0x81, 0xFF, 1 << 62) + b"\0\0\0\0"
    websocket, stream = connect([head] + [b"x" * 400] * 100, limit=1000)
    assert websocket.wait() is None
    assert closed(stream)[0] == 1009
    assert len(stream.pieces) == 97


def test_a_message_of_endless_empty_fragments_is_refused() -> None:
    empty = frame(b"", 0, final=False)
    messages, stream = read(frame(b"", final=False) + empty * (2 * MAX_FRAGMENTS), step=60_000)
    assert messages == []
    assert closed(stream)[0] == 1009


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        (b"\x81\x03abc", 1002),
        (b"\xc1\x80\0\0\0\0", 1002),
        (b"\x83\x80\0\0\0\0", 1002),
        (b"\x09\x80\0\0\0\0", 1002),
        (b"\x89\xfe\x00\x7e\0\0\0\0" + b"x" * 126, 1002),
        (b"\x80\x80\0\0\0\0", 1002),
        (b"\x01\x80\0\0\0\0\x81\x80\0\0\0\0", 1002),
        (frame(b"\xff\xfe"), 1007),
        (frame(b"\xc3"), 1007),
        (frame(struct.pack(">H", 1000) + b"bye", CLOSE), 1000),
        (frame(struct.pack(">H", 5000), CLOSE), 1002),
    ],
    ids=[
        "not masked",
        "an extension that was not agreed on",
        "an unknown opcode",
        "a control frame in fragments",
        "a long control frame",
        "a continuation of nothing",
        "a message within a message",
        "no UTF-8",
        "a character that is cut off",
        "a status that is given back",
        "a status that does not exist",
    ],
)
def test_frames_that_break_the_protocol_end_the_connection_with_its_status(
    raw: bytes, status: int
) -> None:
    messages, stream = read(raw + frame(b"never read"))
    assert messages == []
    assert closed(stream)[0] == status


def test_damaged_frames_are_read_or_refused() -> None:
    rng = random.Random(1)
    refusals = 0
    for _ in range(1000):
        raw = bytearray(frame(rng.randbytes(rng.randrange(40)), rng.choice([TEXT, CLOSE, PING])))
        for _ in range(rng.randrange(4)):
            raw[rng.randrange(len(raw))] = rng.randrange(256)
        refusals += read(bytes(raw), rng.randrange(1, 9))[1].shut
    assert 100 < refusals < 900


class LostStream(Stream):
    """A socket whose connection is lost after the last piece."""

    def recv(self, size: int, /) -> bytes:
        if not self.pieces:
            raise ConnectionResetError
        return super().recv(size)


@pytest.mark.parametrize("kind", [Stream, LostStream])
@pytest.mark.parametrize("times", [4, 9], ids=["within the limit", "beyond the limit"])
def test_an_end_within_a_message_leaves_nothing_of_it(kind: type[Stream], times: int) -> None:
    """The library keeps the object for seconds, of each of hundreds of connections a second."""
    kept = []
    tracemalloc.start()
    try:
        for _ in range(20):
            pieces = [frame(b"x" * 60_000, 0 if number else TEXT, final=False)
                      for number in range(times)]  # fmt: skip
            stream = kind(pieces)
            websocket = MessageSocket(stream, opened(), LIMIT, lambda: 0.0, lambda: None)
            with suppress(ConnectionResetError):
                assert websocket.wait() is None
            stream.pieces.clear()
            kept.append(websocket)
        gc.collect()
        kept_bytes = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    assert kept_bytes < 20 * 20_000
    with pytest.raises(OSError, match="the websocket is closed"):
        kept[0].send("late")


class PausingStream(Stream):
    """A socket whose time limit passes before each piece."""

    late = False

    def recv(self, size: int, /) -> bytes:
        self.late = not self.late
        if self.late:
            raise TimeoutError
        return super().recv(size)


def test_a_message_goes_on_after_a_time_limit_of_the_socket() -> None:
    stream = PausingStream([frame(b"a", final=False), frame(b"b", 0)])
    websocket = MessageSocket(stream, opened(), LIMIT, lambda: 0.0, lambda: None)
    for _ in range(2):
        with pytest.raises(TimeoutError):
            websocket.wait()
    assert websocket.wait() == "ab"


def test_a_message_begins_with_its_first_fragment() -> None:
    """The clock of this stream counts what was received."""
    first, second = frame(b"a", final=False), frame(b"b", 0)
    pieces = [frame(b"zero"), frame(b"?", PING), first[:3], first[3:], second, frame(b"next")]
    websocket, _ = connect(pieces)
    began_s = []
    while websocket.wait() is not None:
        began_s.append(websocket.began_s)
    assert began_s == [1.0, 3.0, 6.0]


def test_each_receive_is_acknowledged_at_once() -> None:
    """Linux forgets the option by itself, so once is not enough."""
    _, stream = read(frame(b"x" * 5000), step=1016)
    quick = (socket.IPPROTO_TCP, QUICK_ACK, 1)
    assert stream.options == ([quick] * 5 if QUICK_ACK is not None else [])


def test_other_clients_have_their_turn_between_many_empty_frames() -> None:
    turns: list[int] = []
    stream = Stream([frame(b"", final=False) + frame(b"", 0, final=False) * 3000])
    MessageSocket(stream, opened(), LIMIT, lambda: 0.0, lambda: turns.append(1)).wait()
    assert len(turns) > 50


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield ours, theirs


def test_a_websocket_that_another_thread_closes_is_read_no_more(
    pair: tuple[socket.socket, socket.socket],
) -> None:
    websocket = MessageSocket(pair[0], opened(), LIMIT, lambda: 0.0, lambda: None)
    heard: list[object] = []
    thread = threading.Thread(target=lambda: heard.append(websocket.wait()))
    thread.start()
    websocket.close(1001, "later")
    thread.join(60)
    assert heard == [None]
    assert pair[1].recv(100) == b"\x88\x07" + struct.pack(">H", 1001) + b"later"
    with pytest.raises(OSError, match="the websocket is closed"):
        websocket.send("late")


def test_what_is_sent_is_read_by_another_library(
    pair: tuple[socket.socket, socket.socket],
) -> None:
    import websocket as other

    ours = MessageSocket(pair[0], opened(), LIMIT, lambda: 0.0, lambda: None)
    client = other.WebSocket()
    client.sock = pair[1]
    for message in ("", "täxt", "x" * 70_000, b"", b"\xff" * 200):
        thread = threading.Thread(target=ours.send, args=(message,))
        thread.start()
        assert client.recv() == message
        thread.join(60)
