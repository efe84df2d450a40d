"""Ends the processes that a job has on other machines at the moment at which the job ends.

Ray notices the death of a driver by its node, and the death of a whole machine after up to 15 s of
silence; so long the work of a cancelled job would go on. A lifeline is a TCP connection from each
of those processes to the job. Nothing is ever sent. When the job's process ends for any reason, its
kernel closes all connections, and whoever holds one ends.
"""

from __future__ import annotations

import contextlib
import os
import socket
import threading
from types import TracebackType
from typing import Final, Self

__all__ = ["ENDED", "Lifeline", "hold"]

CONNECT_S: Final = 10.0
KEEPALIVE: Final = {"TCP_KEEPIDLE": 5, "TCP_KEEPINTVL": 5, "TCP_KEEPCNT": 3}
"""A machine that is switched off closes nothing: after 20 s without a sign it is given up. Not all
systems have all of these options."""
ENDED: Final = 1
"""Status with which a process ends whose job has ended."""

_held: set[tuple[str, int]] = set()
"""The lifelines of this process."""
_hold_lock = threading.Lock()


class Lifeline:
    """The end of the lifelines that is in the job's process; use it as a context manager.

    Args:
        host: address of this machine, from which the other machines reach it.
    """

    def __init__(self, host: str) -> None:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._listening = socket.socket(family, socket.SOCK_STREAM)
        self._listening.bind((host, 0))
        self._listening.listen(128)
        self._connections: list[socket.socket] = []
        self._thread = threading.Thread(target=self._accept, name="lifeline", daemon=True)

    @property
    def address(self) -> tuple[str, int]:
        """Host and port that `hold` connects to."""
        host, port, *_ = self._listening.getsockname()
        return str(host), int(port)

    def __enter__(self) -> Self:
        """Begin to accept connections."""
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """End all processes that hold a lifeline."""
        with contextlib.suppress(OSError):  # not connected: on Linux it wakes the thread
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        self._thread.join()
        for connection in self._connections:
            connection.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listening.accept()
            except OSError:  # closed by __exit__
                return
            self._connections.append(connection)


def hold(address: tuple[str, int]) -> None:
    """Let this process end when the job at the other end of the lifeline does.

    Each lifeline is held once, however often this is called.

    Raises:
        OSError: the job cannot be reached: it has ended, or a network lets nobody through.
    """
    with _hold_lock:
        if address in _held:
            return
        connection = socket.create_connection(address, CONNECT_S)
        connection.settimeout(None)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for name, value in KEEPALIVE.items():
            if hasattr(socket, name):
                connection.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
        threading.Thread(target=_wait, args=(connection,), name="lifeline", daemon=True).start()
        _held.add(address)


def _wait(connection: socket.socket) -> None:
    """Wait until the other end closes the connection, and end this process."""
    with contextlib.suppress(OSError):  # the other machine is gone
        while connection.recv(64):
            pass
    os._exit(ENDED)
