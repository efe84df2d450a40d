"""Clients that misbehave, in a process of their own: `python misbehaving.py HOW PORT`.

It goes on until its standard input is closed.
"""

from __future__ import annotations

import base64
import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress

import httpx
import websocket
from websocket import ABNF

from simulator.unity.client import PATH
from support.data import samples

TELEMETRY = "42" + json.dumps(
    [
        "telemetry",
        {
            "steering_angle": "0.0000",
            "throttle": "0.0000",
            "speed": "9.0000",
            "image": base64.b64encode(samples.jpeg()).decode(),
        },
    ]
)


def dial(port: int) -> websocket.WebSocket:
    return websocket.create_connection(f"ws://127.0.0.1:{port}{PATH}", timeout=3)


Misbehaviour = Callable[[int, threading.Event], None]


def large_frames(port: int, ended: threading.Event) -> None:
    text = "42" + "x" * 2_000_000
    while not ended.is_set():
        with suppress(OSError, websocket.WebSocketException):
            bad = dial(port)
            bad.send(text)
            bad.close()


def endless_message(port: int, ended: threading.Event) -> None:
    """A message in fragments, none of them its last: nothing may be kept of it for ever."""
    while not ended.is_set():
        with suppress(OSError, websocket.WebSocketException):
            bad = dial(port)
            bad.send_frame(ABNF(0, 0, 0, 0, ABNF.OPCODE_TEXT, 1, b"x" * 60_000))
            while not ended.is_set():
                bad.send_frame(ABNF(0, 0, 0, 0, ABNF.OPCODE_CONT, 1, b"x" * 60_000))


def rubbish(port: int, ended: threading.Event) -> None:
    texts = [
        "42{not json",
        "42" + "[" * 100_000,
        "4",
        "9",
        "451-[]",
        '42["telemetry",5]',
        "40{",
        '42["x",' + "9" * 5000 + "]",
        "\ud7ff",
        "6",
        "1",
        "43[]",
    ]
    while not ended.is_set():
        for text in texts:
            with suppress(OSError, websocket.WebSocketException):
                bad = dial(port)
                bad.send(text)
                bad.close()


def never_reading(port: int, ended: threading.Event) -> None:
    """Telemetry and PINGs as fast as they go, and not one answer is read."""
    while not ended.is_set():
        with suppress(OSError, websocket.WebSocketException):
            bad = dial(port)
            bad.settimeout(0.5)
            while not ended.is_set():
                bad.send(TELEMETRY)
                bad.send("2")


def flooding(port: int, ended: threading.Event) -> None:
    """Telemetry without waiting for answers, which are read; dialled again when disconnected."""
    while not ended.is_set():
        bad = dial(port)
        reader = threading.Thread(target=read_all, args=(bad,))
        reader.start()
        with suppress(OSError, websocket.WebSocketException):
            while not ended.is_set():
                bad.send(TELEMETRY)
        with suppress(OSError):
            bad.sock.shutdown(socket.SHUT_RDWR)
        reader.join()
        bad.shutdown()


def read_all(connection: websocket.WebSocket) -> None:
    with suppress(OSError, websocket.WebSocketException):
        while connection.recv():
            pass


def control_frames(port: int, ended: threading.Event) -> None:
    """Websocket's own PINGs, a thousand at a time."""
    bad = dial(port)
    pings = ABNF(1, 0, 0, 0, ABNF.OPCODE_PING, 1, b"?").format() * 1000
    with suppress(OSError, websocket.WebSocketException):
        while not ended.is_set():
            bad.sock.sendall(pings)
            bad.sock.recv(65_536)
    bad.shutdown()


def connection_storm(port: int, ended: threading.Event) -> None:
    """A new connection every 5 ms, as the real client while it finds no bridge."""
    while not ended.wait(0.005):
        with suppress(OSError, websocket.WebSocketException):
            dial(port).shutdown()


def half_open(port: int, ended: threading.Event) -> None:
    """Handshakes that stop in the middle, and clients that vanish after them."""
    with ExitStack() as stack:
        for number in range(60):
            bad = stack.enter_context(socket.create_connection(("127.0.0.1", port)))
            bad.sendall(
                b"GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: x\r\n"[:number]
            )
        ended.wait()


def idle(port: int, ended: threading.Event) -> None:
    """A hundred clients that connect, and say nothing."""
    with ExitStack() as stack:
        for _ in range(100):
            stack.callback(dial(port).shutdown)
        ended.wait()


def long_polling(port: int, ended: threading.Event) -> None:
    """The other transport, asked wrongly."""
    with httpx.Client(base_url=f"http://127.0.0.1:{port}/socket.io/", timeout=1) as bad:
        while not ended.is_set():
            for query in ("?EIO=4&transport=polling", "?EIO=3&transport=polling", "?EIO=4", "?x"):
                with suppress(httpx.HTTPError):
                    bad.get(query)
                    bad.post(query + "&sid=nobody", content=b"x" * 1000)


MISBEHAVIOURS = [
    large_frames,
    endless_message,
    rubbish,
    never_reading,
    flooding,
    control_frames,
    connection_storm,
    half_open,
    idle,
    long_polling,
]


@contextmanager
def misbehaving(how: str, port: int) -> Iterator[None]:
    """Let clients misbehave until the block ends."""
    process = subprocess.Popen(
        [sys.executable, __file__, how, str(port)],
        env={**os.environ, "PYTHONPATH": str(samples.TESTS)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        with process.stdin, process.stdout:
            assert process.stdout.readline() == b"ready\n"
            yield
        assert process.wait(15) == 0
    finally:
        process.kill()
        process.wait()


def main() -> None:
    ended = threading.Event()
    how = {each.__name__: each for each in MISBEHAVIOURS}[sys.argv[1]]
    thread = threading.Thread(target=how, args=(int(sys.argv[2]), ended))
    thread.start()
    print("ready", flush=True)
    sys.stdin.read()
    ended.set()
    thread.join(10)


if __name__ == "__main__":
    main()
