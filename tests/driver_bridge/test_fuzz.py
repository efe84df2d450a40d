"""Tests that send mutated frames of a conversation while a good client drives (promise P18).

A few of the mutations run always, all 20,000 with `make soak`.
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
from support.services.driving import patient_bridge
from websocket import ABNF

from simulator.unity.client import PATH, UnityClient
from simulator.unity.number_format import find_locale

JPEG = samples.jpeg()
MAX_ANSWER_S = 0.25
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
    b'451-["telemetry",{"_positionholder":true,"num":0}]',
    b'421["telemetry",{}]',
    ("42" + json.dumps(["telemetry", TELEMETRY])).encode(),
    ("42" + json.dumps(["telemetry", {**TELEMETRY, "image": "/9j/"}])).encode(),
]
HARMFUL = [
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


def mutated(rng: random.Random) -> tuple[int, bytes]:
    """Return an opcode and a payload that is almost a payload of a simulator."""
    data = bytearray(rng.choice(SEEDS))
    for _ in range(rng.randrange(1, 5)):
        position = rng.randrange(len(data) + 1)
        mutation = rng.randrange(5)
        if mutation == 0 and data:
            data[min(position, len(data) - 1)] = rng.randrange(256)
        elif mutation == 1:
            data[position:position] = rng.choice(HARMFUL)
        elif mutation == 2:
            del data[position : position + rng.randrange(1, 20)]
        elif mutation == 3:
            data[position:position] = data[: rng.randrange(40)]
        else:
            del data[position:]
    return rng.choices([1, 2, 0, 8, 9, 10], [80, 10, 3, 2, 3, 2])[0], bytes(data)


def fuzz(port: int, count: int, seed: int) -> int:
    """Send `count` mutated frames, and return the number of connections that this took."""
    rng = random.Random(seed)
    connections, connection = 0, None
    for _ in range(count):
        opcode, data = mutated(rng)
        with suppress(OSError, websocket.WebSocketException):
            if connection is None:
                connection = websocket.create_connection(
                    f"ws://127.0.0.1:{port}{PATH}", timeout=2, suppress_origin=True
                )
                connections += 1
            raw = bytearray(ABNF(1, 0, 0, 0, opcode, 1, data).format())
            if rng.random() < 0.05:
                raw[rng.randrange(min(8, len(raw)))] ^= 1 << rng.randrange(8)
            connection.sock.sendall(raw)
            # Each frame must be read, and frames after one that ends the connection are not.
            readable = select.select([connection.sock], [], [], 0.001)[0]
            if (not readable or connection.sock.recv(65_536)) and rng.random() > 0.02:
                continue
        if connection is not None:
            connection.shutdown()
            connection = None
    if connection is not None:
        connection.shutdown()
    return connections


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """Return the port of a bridge, which must end with status 0."""
    with answering.inference() as answers, patient_bridge(answers.url) as port:
        yield port


def fuzz_beside_a_good_client(port: int, count: int, seed: int, slack: float) -> None:
    ended = threading.Event()
    answer_times_s: list[float] = []
    unanswered: list[int] = []

    def drive() -> None:
        with UnityClient(f"ws://127.0.0.1:{port}", find_locale("en-US"), 60.0) as client:
            while not ended.is_set():
                began = time.monotonic()
                client.send_telemetry(0.0, 0.0, 9.0, JPEG)
                command = client.command()
                answer_times_s.append(time.monotonic() - began)
                if command is None or command.steering != 0.25:
                    unanswered.append(len(answer_times_s))
                time.sleep(0.05)

    thread = threading.Thread(target=drive)
    thread.start()
    try:
        connections = fuzz(port, count, seed)
    finally:
        ended.set()
        thread.join(60)
    assert connections > count // 200
    assert unanswered == []
    assert max(answer_times_s) <= slack * MAX_ANSWER_S


def test_some_mutated_frames_do_not_disturb_a_good_client(port: int, slack: float) -> None:
    fuzz_beside_a_good_client(port, 400, seed=1, slack=slack)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(10))
def test_all_mutated_frames_do_not_disturb_a_good_client(
    port: int, seed: int, slack: float
) -> None:
    fuzz_beside_a_good_client(port, 2000, seed=100 + seed, slack=slack)
