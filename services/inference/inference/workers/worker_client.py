"""The client of one worker process: it starts the process, sends requests and receives replies."""

from __future__ import annotations

import asyncio
import logging
import socket
import subprocess
import sys
from collections import deque
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Final

from contract.errors import ServiceError
from inference.settings import LITERT
from inference.workers import protocol

log = logging.getLogger(__name__)

OnReply = Callable[[bytes, Exception | None], None]
"""Called with the payload of a reply, or with the error in place of one."""

EXIT_TIMEOUT_S: Final = 5.0
"""Time in seconds that a worker may take to exit after its socket was closed."""


class WorkerDiedError(ServiceError):
    """The worker process ended before it replied."""


class WorkerFailedError(Exception):
    """The worker met an unexpected error, whose traceback is in its log."""


class WorkerClient(asyncio.Protocol):
    """One worker process, from its start to its end, as the event loop sees it.

    Args:
        models: folder of the model registry.
        on_lost: called when the process has ended without having been asked to.
        backend: how networks are loaded, one of settings.BACKENDS.
    """

    def __init__(self, models: Path, on_lost: Callable[[], None], backend: str = LITERT) -> None:
        self._models = models
        self._backend = backend
        self._on_lost = on_lost
        self._replies: deque[OnReply] = deque()
        """What is called with the replies that are awaited, in the order of their requests."""
        self._last_reply_s = 0.0
        self.has_replied = False
        """Whether the process has started: it has replied to a request."""
        self._received = bytearray()
        self._closing = False
        self.closed = True
        """Whether no request can be sent, because the process has ended or not started."""
        self.versions: set[int] = set()
        """The versions that the worker has loaded."""
        self.backends: dict[int, str] = {}
        """The name of the backend that computes each of them."""
        self.draining = False
        """Whether the worker is sent no frames, because it loads a version."""
        self._transport: Any = None
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def in_flight(self) -> int:
        """Number of requests without a reply yet."""
        return len(self._replies)

    @property
    def waiting_since_s(self) -> float | None:
        """When the last reply came, in seconds of the event loop; None while none is awaited."""
        return self._last_reply_s if self._replies else None

    @property
    def pid(self) -> int:
        """Process ID of the worker."""
        assert self._process is not None
        return self._process.pid

    async def start(self) -> None:
        """Start the process.

        Raises:
            OSError: the system has no process, memory or file for it.
        """
        self._loop = asyncio.get_running_loop()
        own_end, worker_end = socket.socketpair()
        try:
            with worker_end:
                self._process = subprocess.Popen(
                    [
                        sys.executable,
                        "-m",
                        "inference.workers.worker",
                        str(worker_end.fileno()),
                        str(self._models),
                        self._backend,
                    ],
                    pass_fds=[worker_end.fileno()],
                    stdin=subprocess.DEVNULL,
                )
            await self._loop.create_unix_connection(lambda: self, sock=own_end)
        except BaseException:
            own_end.close()  # so the process ends, if there is one
            self.wait()
            raise

    async def load(self, version: int) -> None:
        """Let the worker verify and load a version.

        Raises:
            ModelError: the version is not fit to drive.
            WorkerDiedError: the worker ended.
            WorkerFailedError: something else kept the worker from loading it.
        """
        self.backends[version] = (await self.request(protocol.LOAD, version)).decode()
        self.versions.add(version)

    def drop(self, version: int) -> None:
        """Let the worker unload a version, if it has loaded it."""
        self.versions.discard(version)
        self.backends.pop(version, None)
        # The result does not matter: a worker that has died has no version any more.
        self.request(protocol.DROP, version).add_done_callback(asyncio.Future.exception)

    def request(self, command: int, version: int, payload: bytes = b"") -> asyncio.Future[bytes]:
        """Send a request; the future gets the payload of the reply, or an error."""
        reply: asyncio.Future[bytes] = self._loop.create_future()
        self.send(command, version, payload, partial(_settle, reply))
        return reply

    def send(self, command: int, version: int, payload: bytes, on_reply: OnReply) -> None:
        """Send a request, and call a function with its reply as soon as that is read.

        A frame takes this way: a future would call it only in the next turn of the event loop.
        """
        if self.closed:
            on_reply(b"", _died())
            return
        if not self._replies:
            self._last_reply_s = self._loop.time()
        self._replies.append(on_reply)
        self._transport.write(protocol.encode_request(command, version, payload))

    def kill(self) -> None:
        """Kill the process at once; it is replaced like any process that ends by itself."""
        if self._process is not None:
            self._process.kill()

    def close(self) -> None:
        """Close the socket, so that the process exits."""
        self._closing = self.closed = True
        if self._transport is not None:
            self._transport.close()

    def wait(self) -> None:
        """Wait until the process has ended, and kill it after EXIT_TIMEOUT_S."""
        if self._process is not None:
            try:
                self._process.wait(EXIT_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport for requests; asyncio calls this."""
        self._transport = transport
        self.closed = False

    def data_received(self, data: bytes) -> None:
        """Split the received bytes into replies; asyncio calls this."""
        self._received += data
        header_size = protocol.REPLY_HEADER.size
        while len(self._received) >= header_size:
            outcome, size = protocol.REPLY_HEADER.unpack_from(self._received)
            if len(self._received) < header_size + size:
                return
            payload = bytes(self._received[header_size : header_size + size])
            del self._received[: header_size + size]
            self._last_reply_s = self._loop.time()
            self.has_replied = True
            on_reply = self._replies.popleft()
            if outcome == protocol.DONE:
                on_reply(payload, None)
            elif outcome == protocol.REFUSED:
                on_reply(b"", protocol.decode_error(payload))
            else:
                on_reply(b"", WorkerFailedError(payload.decode()))

    def connection_lost(self, exc: Exception | None) -> None:
        """Fail the requests that are in flight, and report the loss; asyncio calls this."""
        self.closed = True
        lost, self._replies = self._replies, deque()
        for on_reply in lost:
            on_reply(b"", _died())
        if not self._closing and self._process is not None:
            self._process.kill()  # where only the socket was lost
            status = self._process.wait()
            log.error("a worker ended with status %d; another one is started", status)
            self._on_lost()


def _settle(reply: asyncio.Future[bytes], payload: bytes, error: Exception | None) -> None:
    if reply.done():  # the request was cancelled
        return
    if error is None:
        reply.set_result(payload)
    else:
        reply.set_exception(error)


def _died() -> WorkerDiedError:
    return WorkerDiedError(
        "the process that computed the frame ended",
        remedy="Another one is started: send the frame again",
    )
