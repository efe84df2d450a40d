"""Telemetry of one simulator that is not answered yet, and the time at which an answer may be sent.

A loop is a telemetry in flight: the simulator sends one telemetry for each answer. It starts two
loops, where one does all the work. An answer covers every telemetry that was received until it is
sent, so each loop but one ends, and never the last one. Two loops that take turns would never meet
here, so the first answers of a connection are held for a moment, to see whether there is another
loop.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

PROBE_S: Final = 0.1
"""Time in seconds for which an answer waits for the telemetry of another loop. It is six frames of
a simulator that draws 60 frames a second, and far below the 250 ms within which every telemetry is
answered."""
MAX_UNANSWERED: Final = 8
"""Number of telemetries that are read before an answer is sent: more than the loops that a
simulator can have. A client that sends more is read again after its answer, and until then fills
its own connection."""


@dataclass(frozen=True)
class ReceivedTelemetry:
    """A telemetry as it arrived."""

    payload: object
    at_s: float
    """When its first bytes arrived, on the clock of the bridge. The real client sends a telemetry
    in 18 fragments, and its frame is as old as the first of them."""
    whole_s: float
    """When all of it had arrived."""


class Mailbox:
    """The newest telemetry of one simulator, and the number of telemetries that wait with it.

    The reader of the connection puts telemetry in, and the session that answers takes it out. Both
    pass the time, so the mailbox needs no clock.
    """

    def __init__(self) -> None:
        self._newest: ReceivedTelemetry | None = None
        self._taken: ReceivedTelemetry | None = None
        self._unanswered = 0
        self._answers = 0
        self._probing = True
        """Whether there may still be another loop."""

    @property
    def full(self) -> bool:
        """Whether nothing more should be read before an answer is sent."""
        return self._unanswered >= MAX_UNANSWERED

    def put(self, received: ReceivedTelemetry) -> None:
        """Receive a telemetry; it replaces one that was not taken yet."""
        self._newest = received
        self._unanswered += 1

    def take(self) -> ReceivedTelemetry | None:
        """Return the telemetry to answer, or None when all are answered."""
        self._taken, self._newest = self._newest, None
        return self._taken

    def hold_s(self, now_s: float) -> float:
        """Return the seconds for which the answer to the telemetry that was taken must still wait.

        It is 0 as soon as another telemetry has arrived: the answer covers both.
        """
        if not self._probing or self._taken is None or self._unanswered > 1:
            return 0.0
        return max(0.0, self._taken.whole_s + PROBE_S - now_s)

    def mark_answered(self) -> int:
        """Count an answer that is sent now, and return how many more telemetries it covers.

        Where no other telemetry arrived while an answer was held, there is only one loop. The very
        first answer proves nothing, though: the second "open" of the simulator may be late, and its
        telemetry meets the second telemetry of the first loop then.
        """
        folded = max(0, self._unanswered - 1)
        self._newest = self._taken = None
        self._unanswered = 0
        self._answers += 1
        if folded == 0 and self._answers > 1:
            self._probing = False
        return folded
