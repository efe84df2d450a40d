"""Tests that a message that is no packet ends its own connection, quietly, and nothing else."""

import re
from collections.abc import Iterator

import pytest
from support.services.answering import Answers
from support.services.driving import drive, unity
from support.services.logged_bridge import (
    LoggedBridge,
    Polling,
    dial,
    logged_bridge,
    messages_to_the_end,
)

from simulator.unity.client import UnityClient

pytestmark = pytest.mark.usefixtures("healthy")

PLACEHOLDER = '{"_placeholder":true,"num":%s}'
DEEP = "[" * 50_000
MESSAGES: dict[str, list[str | bytes]] = {
    # Engine.IO
    "a word": ["abc"],
    "nothing": [""],
    "a type that is no digit of ASCII": ["²"],
    "an unknown type": ["9"],
    "base64 that is none": ["b!!!"],
    "a message that is deep JSON": [f"4{DEEP}"],
    "a message that is no text": ['4{"telemetry":null}'],
    "an empty message": ["4"],
    "a long PING": ["2" + "x" * 200_000],
    "a PING that is JSON": ["2[1]"],
    # Socket.IO
    "a word as a packet": ["4abc"],
    "an unknown type of packet": ['47["telemetry",null]'],
    "an error of a connection": ['44{"message":"no"}'],
    "a connection with a list": ["40[1]"],
    "broken JSON": ['42["telemetry",{]'],
    "deep JSON": [f'42["telemetry",{DEEP}'],
    "a number of 5,000 digits": [f'42["telemetry",{"9" * 5000}]'],
    "an event without data": ["42"],
    "an event that is an object": ["42{}"],
    "an event that is a text": ['42"telemetry"'],
    "an event without a name": ["42[]"],
    "an event whose name is a list": ["42[[]]"],
    "an event whose name is true": ["42[true]"],
    "the event of a connection": ['42["connect",{}]'],
    "the event of a disconnection": ['42["disconnect","because"]'],
    "a number of an event that is none": ['42abc["telemetry",null]'],
    "a number of an event of 200 digits": [f'42{"1" * 200}["telemetry",null]'],
    "an acknowledgement without data": ["431"],
    "a namespace that was never connected": ['42/chat,["telemetry",null]'],
    "an end of a namespace that was never connected": ["41/chat,"],
    "a namespace of 200,000 characters": [f"40/{'x' * 200_000},"],
    # Attachments
    "bytes": [b"\x01\x02"],
    "bytes that look like an event": [b'2["telemetry",null]'],
    "999,999,999 attachments": [f'45999999999-["telemetry",{PLACEHOLDER % 0}]'],
    "no attachments": ['450-["telemetry",null]', b"\x01"],
    "a binary event without a number of attachments": ['45["telemetry",null]'],
    "attachments of an event that has none": ['422-["telemetry",null]'],
    "text in place of an attachment": [f'451-["telemetry",{PLACEHOLDER % 0}]', '42["x"]'],
    "an attachment that is missing": [f'451-["telemetry",{PLACEHOLDER % 7}]', b"\x01"],
    "an attachment with a name": [f'451-["telemetry",{PLACEHOLDER % "[]"}]', b"\x01"],
    "attachments that are too large": [
        f'452-["telemetry",{PLACEHOLDER % 0}]',
        b"\x01" * 200_000,
        b"\x01" * 200_000,
    ],
}
BODIES = {
    "a word": b"abc",
    "bytes that are no text": b"\xff\xfe",
    "an empty form": b"d=",
    "17 packets": b"\x1e".join([b"2"] * 17),
    "deep JSON": b"4" + b"[" * 50_000,
    "a packet that is none": b'40\x1e42["disconnect","because"]',
}


@pytest.fixture(scope="module")
def running(inference: Answers) -> Iterator[LoggedBridge]:
    with logged_bridge(inference.url) as running:
        yield running


@pytest.fixture(scope="module")
def good(running: LoggedBridge) -> Iterator[UnityClient]:
    """Return a simulator that is driven beside all others."""
    with unity(running.port) as client:
        assert drive(client) == 0.25
        yield client


def check_log(running: LoggedBridge, start: int) -> None:
    """Check that the log has one line on the client, and that its session, if any, has ended."""
    lines = running.wait_for("a client is disconnected", start)
    if any(re.search(r"simulator \d+ connected", line) for line in lines):
        lines = running.wait_for("disconnected (1 now)", start)
    warnings = [line for line in lines if not line.startswith("INFO simulator")]
    assert len(warnings) == 1, warnings
    assert warnings[0].startswith("WARNING a client is disconnected. It sent ")
    assert len(warnings[0]) < 500


@pytest.mark.parametrize("name", MESSAGES)
def test_a_malformed_message_ends_its_own_connection(
    running: LoggedBridge, good: UnityClient, name: str
) -> None:
    start = len(running.lines)
    with dial(running.port) as connection:
        assert connection.recv().startswith("0{")
        for message in MESSAGES[name]:
            send = connection.send if isinstance(message, str) else connection.send_binary
            send(message)
        # A packet that says so, a closing frame, and nothing else.
        assert messages_to_the_end(connection) == [b"1"]
    check_log(running, start)
    assert drive(good) == 0.25


@pytest.mark.parametrize("name", ["an unknown type", "deep JSON", "the event of a disconnection"])
def test_it_ends_a_client_that_is_driven_too(
    running: LoggedBridge, good: UnityClient, name: str
) -> None:
    start = len(running.lines)
    with dial(running.port) as connection:
        connection.recv()
        connection.send('42["telemetry",null]')
        assert connection.recv().startswith("40{")
        assert connection.recv() == '42["manual",{}]'
        for message in MESSAGES[name]:
            connection.send(message)
        assert messages_to_the_end(connection) == [b"1"]
    check_log(running, start)
    assert drive(good) == 0.25


@pytest.mark.parametrize("name", BODIES)
def test_a_malformed_body_ends_its_own_session(
    running: LoggedBridge, good: UnityClient, name: str
) -> None:
    start = len(running.lines)
    with Polling(running.port) as session:
        answer = session.post(BODIES[name])
        assert (answer.status_code, answer.text) == (400, '"Bad Request"')
        assert session.get().status_code == 400
    check_log(running, start)
    assert drive(good) == 0.25
