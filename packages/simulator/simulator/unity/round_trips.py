"""Matches answers to telemetries, where one answer may cover several telemetries.

An answer lets one loop send again, and the client cannot see how many telemetries it covers. That
is known only later: telemetries for which no answer is left were covered by another's answer.
"""

from __future__ import annotations

import statistics
from collections import deque
from typing import Final

COALESCE_AFTER_S: Final = 0.3
"""Silence after an answer until the earlier telemetries count as covered by it. A bridge answers
every telemetry within 0.25 s."""


class RoundTrips:
    """The telemetries and answers of a drive, over one connection or several.

    All times are seconds of one monotonic clock.
    """

    def __init__(self) -> None:
        self._outstanding: deque[float] = deque()
        self._sent: list[float] = []
        self._answered: list[float] = []
        self._trips_ms: list[float] = []
        self._last_answer = float("-inf")
        self.telemetries = 0
        self.answers = 0
        self.coalesced = 0
        """Number of telemetries that another telemetry's answer covered."""

    @property
    def waiting(self) -> int:
        """Number of telemetries without an answer, as far as is known."""
        return len(self._outstanding)

    def send(self, at_s: float) -> None:
        """Count a telemetry that was sent at a time."""
        self._outstanding.append(at_s)
        self._sent.append(at_s)
        self.telemetries += 1

    def answer(self, at_s: float) -> bool:
        """Count an answer that came at a time; without a telemetry, do not count it.

        Returns:
            Whether a telemetry was waiting for an answer.
        """
        self._last_answer = at_s
        if not self._outstanding:
            return False
        self._outstanding.popleft()
        self._answered.append(at_s)
        self.answers += 1
        return True

    def coalesce_after_s(self, now_s: float) -> float | None:
        """Return the remaining silence after which waiting telemetries count as covered.

        None means that a telemetry was sent after the last answer, and needs its own answer.
        """
        if not self._outstanding or self._outstanding[-1] > self._last_answer:
            return None
        return max(0.0, self._last_answer + COALESCE_AFTER_S - now_s)

    def coalesce(self) -> None:
        """Count the waiting telemetries that were sent before the last answer as covered."""
        while self._outstanding and self._outstanding[0] <= self._last_answer:
            self._outstanding.popleft()
            self.coalesced += 1

    def discard(self) -> None:
        """Forget the waiting telemetries of a lost connection, and keep its round-trip times."""
        self._match()
        self._outstanding.clear()
        self._sent.clear()
        self._answered.clear()

    def _match(self) -> None:
        """Give each answer, from the last one back, the last telemetry sent before it.

        This is exact if no telemetry was covered by another's answer, and if that happened only at
        the start, where the two loops become one. If it happened later, the times before it come
        out too short.
        """
        index = len(self._sent)
        for answered in reversed(self._answered):
            index -= 1
            while index > 0 and self._sent[index] > answered:
                index -= 1
            if index < 0 or self._sent[index] > answered:
                break
            self._trips_ms.append((answered - self._sent[index]) * 1000)

    def percentiles_ms(self) -> tuple[float, float]:
        """Return the median and the 99th percentile of the round-trip times; zeros without any."""
        before = list(self._trips_ms)
        self._match()
        trips, self._trips_ms = sorted(self._trips_ms), before
        if not trips:
            return 0.0, 0.0
        return statistics.median(trips), trips[min(len(trips) - 1, int(0.99 * len(trips)))]
