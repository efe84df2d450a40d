"""One simulator's connection: what it sends is received at once, and answered by a greenlet."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from driver_bridge.connection.mailbox import Mailbox, Received
from driver_bridge.control.driver import Answer, Driver

log = logging.getLogger(__name__)


class Event(Protocol):
    """What threading.Event can do, in whatever kind of threads there are."""

    def set(self) -> object:
        """Wake who waits."""

    def clear(self) -> object:
        """Let the next one wait."""

    def wait(self, timeout: float | None = None) -> object:
        """Wait until it is set, or so many seconds have passed."""


@dataclass(frozen=True)
class Said:
    """An answer that went, with what there is to tell of it."""

    answer: Answer
    received: Received
    folded: int
    """Telemetries that it covers beside its own."""
    seconds: float
    """From the telemetry's arrival."""


class Session:
    """One simulator: a mailbox that its reader fills, and a driver that answers.

    Args:
        name: of the simulator.
        driver: of it alone.
        event: makes events.
        emit: sends an event with its payload to this simulator.
        told: is told of each answer that went.
        clock: seconds that only go forward.
    """

    def __init__(
        self,
        name: str,
        driver: Driver,
        event: Callable[[], Event],
        emit: Callable[[str, dict[str, str]], object],
        told: Callable[[Said], object],
        clock: Callable[[], float],
    ) -> None:
        self.name = name
        self.driver = driver
        self.answers = 0
        self._mailbox = Mailbox()
        self._arrived, self._room = event(), event()
        self._emit = emit
        self._told = told
        self._clock = clock
        self._open = True

    def receive(self, payload: object) -> None:
        """Receive a telemetry; a client that floods waits here, and fills its own connection."""
        while self._mailbox.full and self._open:
            self._room.clear()
            self._room.wait()
        self._mailbox.put(Received(payload, self._clock()))
        self._arrived.set()

    def run(self) -> None:
        """Answer until the simulator has left."""
        while self._open:
            received = self._mailbox.take()
            if received is None:
                self._arrived.wait()
                self._arrived.clear()
                continue
            answer = self._answer(received)
            while self._open and (left := self._mailbox.hold_s(self._clock())) > 0:
                self._arrived.clear()
                self._arrived.wait(left)
            if self._open:
                self._say(answer, received)

    def close(self) -> None:
        """The simulator has left."""
        self._open = False
        self._arrived.set()
        self._room.set()

    def _answer(self, received: Received) -> Answer:
        try:
            return self.driver.answer(received.payload, received.at_s)
        except Exception:
            log.exception("simulator %s: an answer failed", self.name)
            return self.driver.stopped()

    def _say(self, answer: Answer, received: Received) -> None:
        folded = self._mailbox.answered()
        self._emit(answer.event, answer.payload)
        self.driver.sent(answer)
        self.answers += 1
        self._room.set()
        self._told(Said(answer, received, folded, self._clock() - received.at_s))
