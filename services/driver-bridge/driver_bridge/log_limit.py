"""A limit for the log: a client that reconnects every 5 ms must not fill a disk."""

from __future__ import annotations

import logging
from collections.abc import Callable
from time import monotonic
from typing import Final

MAX_LINES: Final = 50
"""Number of lines that each logger may print in each period; errors count as well."""
PERIOD_S: Final = 10.0


class LogRateLimit(logging.Filter):
    """Lets a limited number of lines of each logger pass in each period, and counts the others.

    Args:
        clock: returns seconds that never go backwards.
    """

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        super().__init__()
        self._clock = clock
        self._periods: dict[str, tuple[float, int]] = {}
        """Start of the period and number of lines in it, by logger."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether a line is printed.

        The first line of a period says how many lines of the period before were left out.
        """
        now = self._clock()
        began, count = self._periods.get(record.name, (now, 0))
        if now - began >= PERIOD_S:
            if count > MAX_LINES:
                left_out = f" ({count - MAX_LINES} lines before this one were left out)"
                record.msg, record.args = record.getMessage() + left_out, ()
            began, count = now, 0
        self._periods[record.name] = (began, count + 1)
        return count < MAX_LINES
