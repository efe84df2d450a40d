"""A proxy that spoils a connection: the toxics of Toxiproxy, between a service and another."""

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
    """What it does to what passes; it can be changed at any time."""

    port: int = 0
    latency_s: float = 0.0
    """By which each piece of an answer is held back."""
    drip_bytes: int = 0
    """Of an answer that pass at a time, 20 ms apart; 0: all."""
    black_hole: bool = False
    """Connections are taken, and nothing passes."""
    reset: bool = False
    """Each connection is reset when an answer comes."""
    refuse: bool = False
    """New connections are closed at once: nobody is there."""
    connections: int = 0
    _open: set[socket.socket] = field(default_factory=set)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def cut(self) -> None:
        """Reset everything that is open: its own thread closes it."""
        for each in list(self._open):
            _abort(each)


def _abort(connection: socket.socket) -> None:
    """Have a connection end with RST once it is closed, and whoever waits for it told."""
    with suppress(OSError):  # it was closed meanwhile
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RST)
        connection.shutdown(socket.SHUT_RDWR)


def _reset(connection: socket.socket) -> None:
    with suppress(OSError):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RST)
    connection.close()


def _pass(proxy: Proxy, upstream: int, client: socket.socket) -> None:
    """Carry one connection until either end closes it."""
    server = socket.create_connection(("127.0.0.1", upstream), timeout=5)
    for each in (client, server):
        each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        proxy._open.add(each)
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
                        for place in range(0, len(data), step):
                            sink.sendall(data[place : place + step])
                            if proxy.drip_bytes:
                                time.sleep(0.02)
                    else:
                        sink.sendall(data)
    except (OSError, ValueError):
        pass  # one end is gone, or was cut
    finally:
        for each in (client, server):
            proxy._open.discard(each)
            each.close()


@contextmanager
def proxy(upstream_port: int) -> Iterator[Proxy]:
    """Stand before a port of this machine until the block ends."""
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
                client.close()  # nobody listens behind us

        acceptor = threading.Thread(target=accept)
        acceptor.start()
        try:
            yield toxics
        finally:
            ended.set()
            acceptor.join()
            toxics.cut()
            for thread in threads:
                thread.join(5)
