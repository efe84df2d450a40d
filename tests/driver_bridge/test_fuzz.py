"""Mutated frames of a conversation, and a good client beside them: promise P18.

A small part of the mutations runs always, all 20,000 with `make soak`.
"""

import base64
import json
import random
import select
import threading
import time
from collections.abc import Iterator
from contextlib import suppress

import pytest
import websocket
from support.data import samples
from support.services import answering
from support.services.driving import bridge
from websocket import ABNF

from simulator.unity.client import PATH, UnityClient
from simulator.unity.number_format import find_locale

JPEG = samples.jpeg()
ALWAYS_S = 0.25
TELEMETRY = {
    "steering_angle": "0.0000",
    "throttle": "0.0000",
    "speed": "9.0000",
    "image": base64.b64encode(JPEG).decode(),
}
SEEDS = [
    b"2",
    b"40",
    b"41",
    b'42["telemetry",null]',
    b'451-["telemetry",{"_placeholder":true,"num":0}]',
    b'421["telemetry",{}]',
    ("42" + json.dumps(["telemetry", TELEMETRY])).encode(),
    ("42" + json.dumps(["telemetry", {**TELEMETRY, "image": "/9j/"}])).encode(),
]
NASTY = [
    b"",
    b"null",
    b"NaN",
    b"1e999",
    b"-0",
    b"[" * 3000,
    b'{"":' * 500,
    b"\x00",
    b"\xff\xfe",
    b"\\ud800",
    b"9" * 5000,
    b'"speed"',
    b",",
    b"/chat,",
    b"\xe2\x88\x92",
]


def mutated(dice: random.Random) -> tuple[int, bytes]:
    """Return an opcode and a payload that is almost one of a simulator's."""
    data = bytearray(dice.choice(SEEDS))
    for _ in range(dice.randrange(1, 5)):
        place = dice.randrange(len(data) + 1)
        what = dice.randrange(5)
        if what == 0 and data:
            data[min(place, len(data) - 1)] = dice.randrange(256)
        elif what == 1:
            data[place:place] = dice.choice(NASTY)
        elif what == 2:
            del data[place : place + dice.randrange(1, 20)]
        elif what == 3:
            data[place:place] = data[: dice.randrange(40)]
        else:
            del data[place:]
    return dice.choices([1, 2, 0, 8, 9, 10], [80, 10, 3, 2, 3, 2])[0], bytes(data)


def fuzz(port: int, count: int, seed: int) -> int:
    """Send so many mutated frames; return how many connections that took."""
    dice = random.Random(seed)
    connections, connection = 0, None
    for _ in range(count):
        opcode, data = mutated(dice)
        with suppress(OSError, websocket.WebSocketException):
            if connection is None:
                connection = websocket.create_connection(
                    f"ws://127.0.0.1:{port}{PATH}", timeout=2, suppress_origin=True
                )
                connections += 1
            raw = bytearray(ABNF(1, 0, 0, 0, opcode, 1, data).format())
            if dice.random() < 0.05:
                raw[dice.randrange(min(8, len(raw)))] ^= 1 << dice.randrange(8)
            connection.sock.sendall(raw)
            # Each frame is to be read: what follows one that ends the connection is not.
            readable = select.select([connection.sock], [], [], 0.001)[0]
            if (not readable or connection.sock.recv(65_536)) and dice.random() > 0.02:
                continue
        if connection is not None:
            connection.shutdown()
            connection = None
    if connection is not None:
        connection.shutdown()
    return connections


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """Of a bridge that must end with 0 when it is told to."""
    with answering.inference() as answers, bridge(answers.url) as port:
        yield port


def beside(port: int, count: int, seed: int, slack: float) -> None:
    ended = threading.Event()
    taken: list[float] = []
    unanswered: list[int] = []

    def drive() -> None:
        with UnityClient(f"ws://127.0.0.1:{port}", find_locale("en-US"), 3.0) as good:
            while not ended.is_set():
                began = time.monotonic()
                good.send_telemetry(0.0, 0.0, 9.0, JPEG)
                command = good.command()
                taken.append(time.monotonic() - began)
                if command is None or command.steering != 0.25:
                    unanswered.append(len(taken))
                time.sleep(0.05)

    thread = threading.Thread(target=drive)
    thread.start()
    try:
        connections = fuzz(port, count, seed)
    finally:
        ended.set()
        thread.join(10)
    assert connections > count // 200
    assert unanswered == []
    assert max(taken) <= slack * ALWAYS_S


def test_mutated_frames_disturb_nobody(port: int, slack: float) -> None:
    beside(port, 400, seed=1, slack=slack)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(10))
def test_all_mutated_frames_disturb_nobody(port: int, seed: int, slack: float) -> None:
    beside(port, 2000, seed=100 + seed, slack=slack)
