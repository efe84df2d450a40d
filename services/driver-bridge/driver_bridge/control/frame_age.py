"""The age of the frames that a simulator is steered by."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Final

MAX_ANSWERS: Final = 1024
"""Number of latest answers that the quantiles cover: more than a minute of a real simulator."""
RECENT_S: Final = 2.0
"""Period in seconds whose frame ages limit the target speed."""
REFRESH_S: Final = 0.1
"""Shortest time in seconds between two calculations of the recent age. To sort some hundred ages
for every frame would cost more than to steer."""
QUANTILES: Final = (0.5, 0.95, 0.99)


class FrameAges:
    """Frame ages of one simulator.

    A frame age is the time in seconds from the first bytes of a telemetry to the answer that is
    steered by its frame.
    """

    def __init__(self) -> None:
        self._ages: deque[tuple[float, float]] = deque(maxlen=MAX_ANSWERS)
        self._refreshed_at_s = -float("inf")
        self._p95_s = 0.0

    def add(self, now_s: float, age_s: float) -> None:
        """Add the frame age of an answer that is sent at `now_s`."""
        self._ages.append((now_s, age_s))

    def quantiles(self) -> dict[float, float]:
        """Return the frame ages in seconds by quantile; empty before the first answer."""
        ages = sorted(age_s for _, age_s in self._ages)
        return {share: quantile(ages, share) for share in QUANTILES} if ages else {}

    def recent_p95_s(self, now_s: float) -> float:
        """Return the 95th percentile of the last two seconds.

        The value is calculated at most every tenth of a second.
        """
        if now_s - self._refreshed_at_s >= REFRESH_S:
            recent = sorted(age_s for at_s, age_s in self._ages if now_s - at_s <= RECENT_S)
            self._p95_s = quantile(recent, 0.95) if recent else 0.0
            self._refreshed_at_s = now_s
        return self._p95_s


def quantile(ordered: Sequence[float], share: float) -> float:
    """Return the value of a sorted, non-empty sequence below which `share` of it lies."""
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
