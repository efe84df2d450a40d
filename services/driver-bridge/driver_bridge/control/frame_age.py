"""How old the frames are that the car is steered by."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Final

WINDOW: Final = 1024
"""Answers over which quantiles are told: a minute and more of a real simulator's."""
RECENT_S: Final = 2.0
"""Seconds over which the target speed looks back."""
EVERY_S: Final = 0.1
"""Between two looks: sorting some hundred ages for every frame would cost more than steering."""
QUANTILES: Final = (0.5, 0.95, 0.99)


class Ages:
    """Seconds from a telemetry's arrival to the answer that is steered by it, of one simulator."""

    def __init__(self) -> None:
        self._kept: deque[tuple[float, float]] = deque(maxlen=WINDOW)
        self._looked_at_s = -float("inf")
        self._p95_s = 0.0

    def add(self, now_s: float, age_s: float) -> None:
        """Count an answer that goes at `now_s`."""
        self._kept.append((now_s, age_s))

    def quantiles(self) -> dict[float, float]:
        """Return the ages in seconds by quantile, over the last answers; none: empty."""
        ages = sorted(age_s for _, age_s in self._kept)
        return {share: quantile(ages, share) for share in QUANTILES} if ages else {}

    def recent_p95_s(self, now_s: float) -> float:
        """Return the 95th percentile of the last two seconds, at most a tenth of a second old."""
        if now_s - self._looked_at_s >= EVERY_S:
            recent = sorted(age_s for at_s, age_s in self._kept if now_s - at_s <= RECENT_S)
            self._p95_s = quantile(recent, 0.95) if recent else 0.0
            self._looked_at_s = now_s
        return self._p95_s


def quantile(ordered: Sequence[float], share: float) -> float:
    """Return the value of a sorted, non-empty sequence below which `share` of it lies."""
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
