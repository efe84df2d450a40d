"""One loop a simulator: what it has sent and not been answered, and when an answer may go.

The simulator sends a telemetry for each answer, so as many loops run as telemetries are in flight.
It starts two, where one does all the work. An answer covers every telemetry that was received until
it goes: each loop but one ends, and never the last. Two loops that take turns never meet here,
though, so a connection's first answers are held for a moment, to see whether there is another.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

PROBE_S: Final = 0.1
"""For which an answer waits for the other loop's telemetry: six pictures of a simulator that draws
60 a second, and far from the 250 ms within which every telemetry is answered."""
MOST_UNANSWERED: Final = 8
"""Telemetries that are read ahead of an answer. More than the loops that a simulator can have; a
client that sends on regardless is read again when it was answered, and fills its own connection."""


@dataclass(frozen=True)
class Received:
    """A telemetry as it came."""

    payload: object
    at_s: float
    """When, on the bridge's clock."""


class Mailbox:
    """The newest telemetry of one simulator, and how many wait with it.

    Pure: whoever reads the connection puts in, whoever answers takes out, and both tell the time.
    """

    def __init__(self) -> None:
        self._newest: Received | None = None
        self._taken: Received | None = None
        self._unanswered = 0
        self._answers = 0
        self._probing = True

    @property
    def full(self) -> bool:
        """Whether nothing more should be read before an answer has gone."""
        return self._unanswered >= MOST_UNANSWERED

    def put(self, received: Received) -> None:
        """Receive a telemetry; one that is there and not taken yet gives way to it."""
        self._newest = received
        self._unanswered += 1

    def take(self) -> Received | None:
        """Return the telemetry to answer, or None when all are answered."""
        self._taken, self._newest = self._newest, None
        return self._taken

    def hold_s(self, now_s: float) -> float:
        """Return for how many seconds more the answer to the one that was taken is to wait.

        0 once another telemetry came: the answer covers both.
        """
        if not self._probing or self._taken is None or self._unanswered > 1:
            return 0.0
        return max(0.0, self._taken.at_s + PROBE_S - now_s)

    def answered(self) -> int:
        """Count an answer that goes now; return how many telemetries it covers beside its own.

        A telemetry that had no company while it was held came from the only loop. Not the very
        first, though: the second "open" may be late, and its telemetry meets the second one then.
        """
        folded = max(0, self._unanswered - 1)
        self._newest = self._taken = None
        self._unanswered = 0
        self._answers += 1
        if folded == 0 and self._answers > 1:
            self._probing = False
        return folded
