"""Runs a simple websocket server that sends what a bridge may send, right or wrong."""

from __future__ import annotations

import base64
import hashlib
import socket
import struct
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455, section 1.3


class Peer:
    """Sends and receives text frames on the server's side of one connection (RFC 6455)."""

    def __init__(self, connection: socket.socket) -> None:
        self._file = connection.makefile("rwb")
        self.frames: list[tuple[int, int]] = []
        """First byte (end of message, opcode) and size of each frame that was heard."""
        self.request = b""
        while not self.request.endswith(b"\r\n\r\n"):
            self.request += self._file.readline()
        key = next(
            line.split(b":")[1].strip()
            for line in self.request.splitlines()
            if line.lower().startswith(b"sec-websocket-key")
        )
        accept = base64.b64encode(hashlib.sha1(key + GUID).digest())
        self._file.write(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n"
        )
        self._file.flush()

    def say(self, text: str) -> None:
        data = text.encode()
        length = (
            struct.pack(">BB", 0x81, len(data))
            if len(data) < 126
            else struct.pack(">BBH", 0x81, 126, len(data))
        )
        self._file.write(length + data)
        self._file.flush()

    def hear(self) -> str:
        """Return the next text, or "" if the client has disconnected."""
        text = b""
        while True:
            head = self._file.read(2)
            if len(head) < 2 or head[0] & 0x0F == 8:
                return ""
            size = head[1] & 0x7F
            if size == 126:
                size = struct.unpack(">H", self._file.read(2))[0]
            mask = self._file.read(4)
            data = self._file.read(size)
            self.frames.append((head[0], size))
            text += bytes(byte ^ mask[index % 4] for index, byte in enumerate(data))
            if head[0] & 0x80:
                return text.decode()

    def close(self) -> None:
        self._file.close()


@contextmanager
def bridge(script: Callable[[Peer], None]) -> Iterator[str]:
    """Run a script for the one client that connects; yield the URL."""

    def run_script() -> None:
        connection, _ = listener.accept()
        with connection:
            connection.settimeout(60)
            peer = Peer(connection)
            try:
                script(peer)
            finally:
                peer.close()

    with socket.create_server(("127.0.0.1", 0)) as listener, ThreadPoolExecutor(1) as executor:
        listener.settimeout(60)
        future = executor.submit(run_script)
        yield f"ws://127.0.0.1:{listener.getsockname()[1]}"
        future.result()  # raises the errors of the script's own assertions
