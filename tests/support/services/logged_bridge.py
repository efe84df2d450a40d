"""Runs a real bridge in another process, whose log a test reads and whose heartbeat it chooses."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import httpx
import websocket

PROGRAM = """
import logging, os, sys
from contract.settings import load
from driver_bridge.connection.simulator_server import Heartbeat
from driver_bridge.server import serve
from driver_bridge.settings import Settings
logging.basicConfig(level=logging.INFO, format="%(levelname)s %(message)s")
heartbeat = Heartbeat(*map(float, sys.argv[1:]))
serve(load(Settings, os.environ), lambda port: logging.info("port %d", port), heartbeat)
"""
WEBSOCKET = "/socket.io/?EIO=4&transport=websocket"
POLLING = "/socket.io/?EIO=4&transport=polling"


@dataclass
class LoggedBridge:
    """A bridge that runs."""

    port: int
    pid: int
    lines: list[str] = field(default_factory=list)
    """What it wrote to its standard error."""

    def wait_for(self, text: str, start: int = 0) -> list[str]:
        """Return the lines from `start` on, once one of them has this text."""
        deadline = time.monotonic() + 60
        while not any(text in line for line in self.lines[start:]):
            assert time.monotonic() < deadline, f"no line with {text!r}: {self.lines[start:]}"
            time.sleep(0.005)
        return self.lines[start:]


@contextmanager
def logged_bridge(
    inference_url: str, *heartbeat_s: float, **settings: str
) -> Iterator[LoggedBridge]:
    """Run a bridge on a free port; it must exit with 0.

    Args:
        inference_url: address of inference.
        heartbeat_s: the times of its Heartbeat; its own for those that are left out.
        settings: variables of its environment.
    """
    environ = {"LAPWING_BRIDGE_PORT": "0", "LAPWING_INFERENCE_URL": inference_url, **settings}
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, *map(str, heartbeat_s)],
        env={**os.environ, **environ},
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    try:
        with process.stderr:
            lines: list[str] = []
            while not (lines and (port := re.match(r"INFO port (\d+)", lines[-1]))):
                line = process.stderr.readline()
                assert line, f"the bridge ended with {process.wait(60)}: {lines}"
                lines.append(line)
            running = LoggedBridge(int(port[1]), process.pid)
            reader = threading.Thread(target=running.lines.extend, args=(process.stderr,))
            reader.start()
            yield running
            process.terminate()
            reader.join()
        assert process.wait(60) == 0
    finally:
        process.kill()
        process.wait()


@contextmanager
def dial(port: int, path: str = WEBSOCKET) -> Iterator[websocket.WebSocket]:
    """Yield a bare websocket to a bridge."""
    connection = websocket.create_connection(
        f"ws://127.0.0.1:{port}{path}", timeout=60, suppress_origin=True
    )
    try:
        yield connection
    finally:
        connection.shutdown()


def messages_to_the_end(connection: websocket.WebSocket) -> list[bytes]:
    """Return the messages until the other side has closed the websocket with a closing frame."""
    messages = []
    while True:
        opcode, data = connection.recv_data(control_frame=True)
        if opcode == websocket.ABNF.OPCODE_CLOSE:
            return messages
        messages.append(data)


class Polling:
    """A session of long polling, request by request.

    Args:
        port: port of the bridge.
        path: path of the handshake.
    """

    def __init__(self, port: int, path: str = POLLING) -> None:
        self.client = httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60)
        self.opened = self.client.get(path)
        self.sid = re.findall(r'"sid":"([^"]+)"', self.opened.text)[0]
        self.path = f"{path}&sid={self.sid}"

    def get(self) -> httpx.Response:
        """Poll once."""
        return self.client.get(self.path)

    def post(self, body: str | bytes) -> httpx.Response:
        """Send a payload."""
        return self.client.post(self.path, content=body)

    def __enter__(self) -> Polling:
        return self

    def __exit__(self, *exception: object) -> None:
        self.client.close()
