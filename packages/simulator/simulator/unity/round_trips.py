"""Which answer was to which telemetry: a bridge answers one for all that it has received.

An answer lets one loop send again, and the client cannot see how many telemetries it was for. Only
afterwards can it be told: those that no answer was left for were covered by another's.
"""

from __future__ import annotations

import statistics
from collections import deque
from typing import Final

FOLD_S: Final = 0.3
"""Of silence after an answer, before what was sent until then counts as covered by it. A bridge
answers every telemetry within 0.25 s."""


class Trips:
    """The telemetries and answers of a drive, over one connection or over many.

    All times are seconds of one clock that only goes forward.
    """

    def __init__(self) -> None:
        self._outstanding: deque[float] = deque()
        self._sent: list[float] = []
        self._answered: list[float] = []
        self._trips_ms: list[float] = []
        self._last_answer = float("-inf")
        self.telemetries = 0
        self.answers = 0
        self.folded = 0

    @property
    def waiting(self) -> int:
        """Telemetries that no answer came for, as far as can be told."""
        return len(self._outstanding)

    def send(self, at_s: float) -> None:
        """Count a telemetry."""
        self._outstanding.append(at_s)
        self._sent.append(at_s)
        self.telemetries += 1

    def answer(self, at_s: float) -> bool:
        """Count an answer; return False when nothing was asked, and it is not counted."""
        self._last_answer = at_s
        if not self._outstanding:
            return False
        self._outstanding.popleft()
        self._answered.append(at_s)
        self.answers += 1
        return True

    def patience_s(self, now_s: float) -> float | None:
        """Return after how many seconds of silence what is outstanding has been folded.

        None: something was sent after the last answer, and must have one of its own.
        """
        if not self._outstanding or self._outstanding[-1] > self._last_answer:
            return None
        return max(0.0, self._last_answer + FOLD_S - now_s)

    def fold(self) -> None:
        """What was sent before the last answer and has none was covered by it, or by another."""
        while self._outstanding and self._outstanding[0] <= self._last_answer:
            self._outstanding.popleft()
            self.folded += 1

    def lose(self) -> None:
        """The connection is gone, and its loops with it."""
        self._match()
        self._outstanding.clear()
        self._sent.clear()
        self._answered.clear()

    def _match(self) -> None:
        """Give each answer, from the last one back, the last telemetry that was sent before it.

        Exact where none were folded, and where they were folded at the start, as loops are; where
        it was later, the trips until then come out too short.
        """
        place = len(self._sent)
        for answered in reversed(self._answered):
            place -= 1
            while place > 0 and self._sent[place] > answered:
                place -= 1
            if place < 0 or self._sent[place] > answered:
                break
            self._trips_ms.append((answered - self._sent[place]) * 1000)

    def milliseconds(self) -> tuple[float, float]:
        """Return the median and the 99th percentile of the round trips so far; none: zeros."""
        before = list(self._trips_ms)
        self._match()
        trips, self._trips_ms = sorted(self._trips_ms), before
        if not trips:
            return 0.0, 0.0
        return statistics.median(trips), trips[min(len(trips) - 1, int(0.99 * len(trips)))]
