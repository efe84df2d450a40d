"""A lane as the event loop sees it: a process that is asked, answers in order, and is replaced."""

from __future__ import annotations

import asyncio
import logging
import socket
import subprocess
import sys
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from contract.errors import ServiceError
from inference.workers import protocol

log = logging.getLogger(__name__)

END_S: Final = 5.0
"""How long a lane may take to end, once nothing can be asked of it any more."""


class LaneDiedError(ServiceError):
    """The process that computed a frame is gone."""


class LaneFailedError(Exception):
    """A lane met an error that is none of ours; its log has it."""


class LaneProcess(asyncio.Protocol):
    """One process of the lanes, from its start to its end.

    Args:
        models: the registry's folder.
        lost: called when the process is gone without having been asked to.
    """

    def __init__(self, models: Path, lost: Callable[[LaneProcess], None]) -> None:
        self._models = models
        self._lost = lost
        self._answers: deque[asyncio.Future[bytes]] = deque()
        self._heard_s = 0.0
        self._received = bytearray()
        self._ending = False
        self.paused = False
        """Whether it is given no frames just now."""
        self._transport: Any = None
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def waiting(self) -> int:
        """How much was asked and is not answered yet."""
        return len(self._answers)

    @property
    def gone(self) -> bool:
        """Whether nothing can be asked of it: it has ended, or has not begun."""
        return self._transport is None or self._transport.is_closing()

    @property
    def silent_s(self) -> float:
        """For how long it has owed an answer without giving any; 0 while it owes none."""
        return self._loop.time() - self._heard_s if self._answers else 0.0

    def kill(self) -> None:
        """End the process at once; its end is met as any other's."""
        if self._process is not None:
            self._process.kill()

    @property
    def pid(self) -> int:
        """Of the process."""
        assert self._process is not None
        return self._process.pid

    async def start(self) -> None:
        """Start the process."""
        self._loop = asyncio.get_running_loop()
        ours, its = socket.socketpair()
        with its:
            self._process = subprocess.Popen(
                [
                    sys.executable,
                    "-m",
                    "inference.workers.worker",
                    str(its.fileno()),
                    str(self._models),
                ],
                pass_fds=[its.fileno()],
                stdin=subprocess.DEVNULL,
            )
        await self._loop.create_unix_connection(lambda: self, sock=ours)

    def ask(self, kind: int, version: int, payload: bytes = b"") -> asyncio.Future[bytes]:
        """Ask for something; the future has the reply's payload, or the error."""
        answer: asyncio.Future[bytes] = self._loop.create_future()
        if self.gone:
            answer.set_exception(_died())
            return answer
        if not self._answers:
            self._heard_s = self._loop.time()
        self._answers.append(answer)
        self._transport.write(protocol.ask(kind, version, payload))
        return answer

    def end(self) -> None:
        """Let the process end: nothing is asked of it any more."""
        self._ending = True
        if self._transport is not None:
            self._transport.close()

    def wait(self) -> None:
        """Wait until the process has ended, which it is given END_S for."""
        if self._process is not None:
            try:
                self._process.wait(END_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember over what to ask; asyncio calls this."""
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Take replies apart; asyncio calls this."""
        self._received += data
        head = protocol.REPLY.size
        while len(self._received) >= head:
            outcome, size = protocol.REPLY.unpack_from(self._received)
            if len(self._received) < head + size:
                return
            payload = bytes(self._received[head : head + size])
            del self._received[: head + size]
            self._heard_s = self._loop.time()
            self._settle(self._answers.popleft(), outcome, payload)

    def _settle(self, answer: asyncio.Future[bytes], outcome: int, payload: bytes) -> None:
        if answer.done():  # whoever waited for it is gone
            return
        if outcome == protocol.DONE:
            answer.set_result(payload)
        elif outcome == protocol.REFUSED:
            answer.set_exception(protocol.error_of(payload))
        else:
            answer.set_exception(LaneFailedError("a lane failed; its log tells why"))

    def connection_lost(self, exc: Exception | None) -> None:
        """Fail what was asked, and have the process replaced; asyncio calls this."""
        for answer in self._answers:
            if not answer.done():
                answer.set_exception(_died())
        self._answers.clear()
        if not self._ending and self._process is not None:
            self._process.kill()  # where only its socket was lost
            status = self._process.wait()
            log.error("a lane ended with status %d; another is started", status)
            self._lost(self)


def _died() -> LaneDiedError:
    return LaneDiedError(
        "the process that computed the frame ended", remedy="It is started again: ask again"
    )
