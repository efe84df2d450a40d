"""Measures how long others are silent, without the time in which the watcher itself stood still.

A machine that swaps, a virtual machine that is paused, a laptop that sleeps and SIGSTOP stop the
watcher and those it watches together. When all wake, everybody seems overdue by that time. A
watcher that believes its clock then kills what has done nothing wrong, and what is started in its
place keeps the machine busy, so that the next limit passes too. So a watchdog measures how much
later than its period it looks, and grants that delay to those it watches.

Which clock is right? The one that wrote down the times that are judged, because the watchdog sees
only the delay that this clock shows:

- Times within one machine are those of `time.monotonic`. It goes on while a process is stopped or
  swapped out, and that delay is seen. It stops while the machine sleeps; then nobody seems silent
  for longer, and there is nothing to grant. Nobody can set it.
- Times that processes tell each other, through Redis or a file, are those of `time.time`. It goes
  on while the machine sleeps, and somebody may set it. Both are seen as a delay, and granted.

`CLOCK_BOOTTIME`, which counts sleep and which nobody can set, would help with neither: each machine
begins it anew, so processes cannot tell each other its times; and within a machine it would only
show a sleep as one more delay to grant.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

__all__ = ["Watchdog"]


class Watchdog:
    """Judges whether others have been silent for too long. It must look once in every period.

    Args:
        limit_s: time in seconds for which those it watches may be silent.
        period_s: longest time in seconds between two looks, unless this process stands still.
        clock: returns the seconds in which the times are given that are judged.
    """

    def __init__(
        self, limit_s: float, period_s: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.limit_s = limit_s
        self.awake_s = 0.0
        """Time in seconds for which this watchdog has been watching, until its last look."""
        self.delay_s = 0.0
        """Time in seconds by which its last look was late."""
        self._period_s = period_s
        self._clock = clock
        self._looked_s = clock()
        self._delays: deque[tuple[float, float, float]] = deque()
        """For each delay when it ended, how long it was, and `awake_s` at its end."""

    def look(self) -> float:
        """Measure how late this look is; return the time in seconds of the clock."""
        now_s = self._clock()
        passed_s = max(0.0, now_s - self._looked_s)  # a clock that somebody sets may go back
        self.awake_s += min(passed_s, self._period_s)
        self.delay_s = max(0.0, passed_s - self._period_s)
        if self.delay_s:
            self._delays.append((now_s, self.delay_s, self.awake_s))
        # Who was heard before such a delay is overdue without it too.
        while self._delays and self.awake_s - self._delays[0][2] > self.limit_s:
            self._delays.popleft()
        self._looked_s = now_s
        return now_s

    def silence_s(self, heard_s: float) -> float:
        """Return the seconds from a time until the last look, without those it stood still.

        It is exact up to the limit.

        Args:
            heard_s: the time in seconds of the clock when somebody was heard last.
        """
        granted_s = sum(
            min(delay_s, ended_s - heard_s)
            for ended_s, delay_s, _ in self._delays
            if ended_s > heard_s
        )
        return max(0.0, self._looked_s - heard_s - granted_s)

    def is_overdue(self, heard_s: float) -> bool:
        """Return whether one who was heard at this time has been silent for too long."""
        return self.silence_s(heard_s) > self.limit_s

    @property
    def is_expired(self) -> bool:
        """Whether the limit has passed since this watchdog began to watch."""
        return self.awake_s > self.limit_s
