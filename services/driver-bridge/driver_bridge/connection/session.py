"""The session of one simulator: telemetry is received at once and answered by a greenlet."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from driver_bridge.connection.mailbox import Mailbox, ReceivedTelemetry
from driver_bridge.control.driver import Answer, Driver

log = logging.getLogger(__name__)


class Event(Protocol):
    """An event like threading.Event, for any kind of threads."""

    def set(self) -> object:
        """Wake all that wait."""

    def clear(self) -> object:
        """Let later calls of wait block."""

    def wait(self, timeout: float | None = None) -> object:
        """Wait until the event is set, at most for `timeout` seconds."""


@dataclass(frozen=True)
class SentAnswer:
    """An answer that was sent, with its telemetry and its time."""

    answer: Answer
    received: ReceivedTelemetry
    folded: int
    """Number of other telemetries that the answer covers."""
    seconds: float
    """Time from the first bytes of the telemetry to the answer."""


class Session:
    """The mailbox of one simulator, which its reader fills, and the driver that answers.

    Args:
        name: name of the simulator.
        driver: driver of this simulator alone.
        event: makes an event.
        emit: sends an event with its payload to this simulator.
        on_sent: called with each answer after it was sent.
        hang_up: disconnects this simulator.
        clock: returns seconds that never go backwards.
    """

    def __init__(
        self,
        name: str,
        driver: Driver,
        event: Callable[[], Event],
        emit: Callable[[str, dict[str, str]], object],
        on_sent: Callable[[SentAnswer], object],
        hang_up: Callable[[], object],
        clock: Callable[[], float],
    ) -> None:
        self.name = name
        self.driver = driver
        self.answers = 0
        self._mailbox = Mailbox()
        self._arrived, self._has_room = event(), event()
        self._emit = emit
        self._on_sent = on_sent
        self._hang_up = hang_up
        self._clock = clock
        self._open = True

    def receive(self, payload: object, began_s: float | None = None) -> None:
        """Receive a telemetry.

        A client that floods the bridge waits here, and fills its own connection.

        Args:
            payload: its content.
            began_s: when its first bytes arrived; None where it came all at once, now.
        """
        whole_s = self._clock()
        while self._mailbox.full and self._open:
            self._has_room.clear()
            self._has_room.wait()
        began_s = whole_s if began_s is None else began_s
        self._mailbox.put(ReceivedTelemetry(payload, began_s, whole_s))
        self._arrived.set()

    def run(self) -> None:
        """Answer telemetry until the simulator has disconnected.

        If an answer cannot be sent, the simulator is disconnected, and connects again. Otherwise it
        would wait for that answer for ever, because it sends a telemetry only after each.
        """
        try:
            self._answer_all()
        except Exception:
            log.exception("the session of simulator %s failed: it is disconnected", self.name)
            self._hang_up()

    def _answer_all(self) -> None:
        while self._open:
            received = self._mailbox.take()
            if received is None:
                self._arrived.wait()
                self._arrived.clear()
                continue
            answer = self._answer(received)
            while self._open and (hold_s := self._mailbox.hold_s(self._clock())) > 0:
                self._arrived.clear()
                self._arrived.wait(hold_s)
            if self._open:
                self._send(answer, received)

    def close(self) -> None:
        """End the session, because the simulator has disconnected."""
        self._open = False
        self._arrived.set()
        self._has_room.set()

    def _answer(self, received: ReceivedTelemetry) -> Answer:
        try:
            return self.driver.answer(received.payload, received.at_s)
        except Exception:
            log.exception("simulator %s: an answer failed", self.name)
            return self.driver.stop()

    def _send(self, answer: Answer, received: ReceivedTelemetry) -> None:
        folded = self._mailbox.mark_answered()
        self._emit(answer.event, answer.payload)
        self.driver.record_age(answer)
        self.answers += 1
        self._has_room.set()
        self._on_sent(SentAnswer(answer, received, folded, self._clock() - received.at_s))
