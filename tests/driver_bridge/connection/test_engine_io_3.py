"""Tests of payloads of Engine.IO 3: the examples of its protocol, and what real clients sent."""

import base64
import re

import pytest

from driver_bridge.connection.engine_io_3 import decode_payload, encode_payload

EURO = "\u20ac"
DECODED = {
    # The examples of the protocol's description, whose last lacks the type that real packets have.
    f"6:4hello2:4{EURO}".encode(): f"4hello\x1e4{EURO}",
    b"6:4hello6:4world": "4hello\x1e4world",
    f"2:4{EURO}10:b4AQIDBA==".encode(): f"4{EURO}\x1ebBAECAwQ=",
    bytes.fromhex("0004ff34e282ac0105ff0401020304"): f"4{EURO}\x1ebBAECAwQ=",
    # What python-socketio 4.6.1 with python-engineio 3.14.2 posted, telemetry and PING together.
    b'\x00\x04\t\xff42["telemetry",{"speed":"9.0000","image":"/9j/"}]\x00\x01\xff2': (
        '42["telemetry",{"speed":"9.0000","image":"/9j/"}]\x1e2'
    ),
    # What socket.io-client 2.5.0 and 1.7.4 posted from Node.js.
    b'49:42["telemetry",{"speed":"9.0000","image":"/9j/"}]': (
        '42["telemetry",{"speed":"9.0000","image":"/9j/"}]'
    ),
    # A character that is two in JavaScript.
    "3:4\U0001f6971:2".encode(): "4\U0001f697\x1e2",
    b"": "",
}


@pytest.mark.parametrize("body", DECODED)
def test_a_payload_is_read(body: bytes) -> None:
    assert decode_payload(body) == DECODED[body]


@pytest.mark.parametrize(
    "body",
    [
        b"abc",
        b":2",
        b"-1:2",
        b"2:2",
        b"1:21",
        b"9999999999:2",
        b"99999999:2",
        "\u00b2:2x".encode(),
        b"\xff\xfe",
        b"3:4\x1e2",
        b"3:b2x",
        b"5:b4!!!",
        b"\x00",
        b"\x00\xff2",
        b"\x00\x012",
        b"\x00\x02\xff2",
        b"\x00\x0a\xff2",
        b"\x00" + b"\x09" * 5000 + b"\xff2",
        b"\x00\x01\xff\xff",
    ],
)
def test_what_is_no_payload_is_refused(body: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        decode_payload(body)


@pytest.mark.parametrize("packets", [["6"], ["0{}", "40"], ["4hello", f"4{EURO}", "4\U0001f697"]])
def test_a_written_payload_can_be_read(packets: list[str]) -> None:
    payload = encode_payload("\x1e".join(packets))
    # Another reader: lengths are counted in the bytes of UTF-16, as JavaScript does.
    rest = payload
    for packet in packets:
        length = re.match(r"([0-9]+):", rest)
        assert length
        assert int(length[1]) * 2 == len(packet.encode("utf-16-be"))
        rest = rest[length.end() :].removeprefix(packet)
    assert rest == ""
    assert decode_payload(payload.encode()) == "\x1e".join(packets)


def test_the_base64_of_a_binary_packet_holds_its_type() -> None:
    packet = decode_payload(b"10:b4AQIDBA==")
    assert base64.b64decode(packet[1:]) == b"\x04\x01\x02\x03\x04"
