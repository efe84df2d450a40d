"""Runs clients that misbehave, in another process: `python misbehaving.py HOW PORT`.

They run until the standard input of the process is closed.
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
    """Send a message in fragments without a last one; the bridge must not store them for ever."""
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
    """Send telemetry and PINGs as fast as possible, and read no answers."""
    while not ended.is_set():
        with suppress(OSError, websocket.WebSocketException):
            bad = dial(port)
            bad.settimeout(0.5)
            while not ended.is_set():
                bad.send(TELEMETRY)
                bad.send("2")


def flooding(port: int, ended: threading.Event) -> None:
    """Send telemetry without waiting for answers, which are read; reconnect when disconnected."""
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
    """Send PINGs of the websocket protocol, a thousand at a time."""
    bad = dial(port)
    pings = ABNF(1, 0, 0, 0, ABNF.OPCODE_PING, 1, b"?").format() * 1000
    with suppress(OSError, websocket.WebSocketException):
        while not ended.is_set():
            bad.sock.sendall(pings)
            bad.sock.recv(65_536)
    bad.shutdown()


def connection_storm(port: int, ended: threading.Event) -> None:
    """Open a connection every 5 ms, like the real client while it finds no bridge."""
    while not ended.wait(0.005):
        with suppress(OSError, websocket.WebSocketException):
            dial(port).shutdown()


def half_open(port: int, ended: threading.Event) -> None:
    """Begin handshakes, and stop in the middle of them."""
    with ExitStack() as stack:
        for number in range(60):
            bad = stack.enter_context(socket.create_connection(("127.0.0.1", port)))
            bad.sendall(
                b"GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: x\r\n"[:number]
            )
        ended.wait()


def idle(port: int, ended: threading.Event) -> None:
    """Connect a hundred clients that send nothing."""
    with ExitStack() as stack:
        for _ in range(100):
            stack.callback(dial(port).shutdown)
        ended.wait()


def long_polling(port: int, ended: threading.Event) -> None:
    """Send wrong requests of the long-polling transport."""
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
    """Run clients that misbehave until the `with` block ends."""
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
        assert process.wait(60) == 0
    finally:
        process.kill()
        process.wait()


def main() -> None:
    ended = threading.Event()
    how = {function.__name__: function for function in MISBEHAVIOURS}[sys.argv[1]]
    thread = threading.Thread(target=how, args=(int(sys.argv[2]), ended))
    thread.start()
    print("ready", flush=True)
    sys.stdin.read()
    ended.set()
    thread.join(50)


if __name__ == "__main__":
    main()
