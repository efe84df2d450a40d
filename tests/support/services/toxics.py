"""Runs a proxy that disturbs the connections between two services, like Toxiproxy."""

from __future__ import annotations

import selectors
import socket
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

RST = struct.pack("ii", 1, 0)


@dataclass
class Proxy:
    """Says how the proxy disturbs connections; a test may change it at any time."""

    port: int = 0
    latency_s: float = 0.0
    """Delay of each piece of an answer, in seconds."""
    drip_bytes: int = 0
    """Number of bytes of an answer that are sent every 20 ms; 0 sends all at once."""
    black_hole: bool = False
    """Accept connections, but pass no data."""
    reset: bool = False
    """Reset each connection when an answer arrives."""
    refuse: bool = False
    """Reset new connections at once."""
    connections: int = 0
    _open: set[socket.socket] = field(default_factory=set)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def cut(self) -> None:
        """Reset all open connections; the thread of each one closes it."""
        for connection in list(self._open):
            _abort(connection)


def _abort(connection: socket.socket) -> None:
    """Shut a connection down, so that waiting threads wake up and closing it sends RST."""
    with suppress(OSError):  # the connection was closed in the meantime
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RST)
        connection.shutdown(socket.SHUT_RDWR)


def _reset(connection: socket.socket) -> None:
    with suppress(OSError):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RST)
    connection.close()


def _pass(proxy: Proxy, upstream: int, client: socket.socket) -> None:
    """Pass the data of one connection until either side closes it."""
    server = socket.create_connection(("127.0.0.1", upstream), timeout=60)
    for connection in (client, server):
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        proxy._open.add(connection)
    try:
        with selectors.DefaultSelector() as selector:
            selector.register(client, selectors.EVENT_READ, server)
            selector.register(server, selectors.EVENT_READ, client)
            while True:
                for key, _ in selector.select():
                    source, sink = key.fileobj, key.data
                    data = source.recv(65_536)  # type: ignore[union-attr]
                    if not data:
                        return
                    if proxy.black_hole:
                        continue
                    if source is server:
                        if proxy.reset:
                            _reset(client)
                            return
                        time.sleep(proxy.latency_s)
                        step = proxy.drip_bytes or len(data)
                        for start in range(0, len(data), step):
                            sink.sendall(data[start : start + step])
                            if proxy.drip_bytes:
                                time.sleep(0.02)
                    else:
                        sink.sendall(data)
    except (OSError, ValueError):
        pass  # one side has closed the connection, or `cut` was called
    finally:
        for connection in (client, server):
            proxy._open.discard(connection)
            connection.close()


@contextmanager
def proxy(upstream_port: int) -> Iterator[Proxy]:
    """Run a proxy to a port of this machine until the `with` block ends."""
    toxics = Proxy()
    threads: list[threading.Thread] = []
    with socket.create_server(("127.0.0.1", 0), backlog=64) as listener:
        toxics.port = listener.getsockname()[1]
        listener.settimeout(0.05)
        ended = threading.Event()

        def accept() -> None:
            while not ended.is_set():
                try:
                    client, _ = listener.accept()
                except TimeoutError:
                    continue
                toxics.connections += 1
                if toxics.refuse:
                    _reset(client)
                    continue
                threads.append(threading.Thread(target=carry, args=(client,)))
                threads[-1].start()

        def carry(client: socket.socket) -> None:
            try:
                _pass(toxics, upstream_port, client)
            except OSError:
                client.close()  # the service behind the proxy does not listen

        acceptor = threading.Thread(target=accept)
        acceptor.start()
        try:
            yield toxics
        finally:
            ended.set()
            acceptor.join()
            toxics.cut()
            for thread in threads:
                thread.join(60)
