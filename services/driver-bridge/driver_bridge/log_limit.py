"""Keeps the log short, whatever clients do: one that reconnects every 5 ms must not fill a disk."""

from __future__ import annotations

import logging
from collections.abc import Callable
from time import monotonic
from typing import Final

LINES: Final = 50
"""In each PERIOD_S, of each logger; errors of ours are among them."""
PERIOD_S: Final = 10.0


class Limit(logging.Filter):
    """Lets so many lines of a logger pass in each period, and tells how many did not.

    Args:
        clock: seconds that only go forward.
    """

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        super().__init__()
        self._clock = clock
        self._periods: dict[str, tuple[float, int]] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Tell whether a line is to be printed."""
        now = self._clock()
        began, count = self._periods.get(record.name, (now, 0))
        if now - began >= PERIOD_S:
            if count > LINES:
                left_out = f" ({count - LINES} lines before this one were left out)"
                record.msg, record.args = record.getMessage() + left_out, ()
            began, count = now, 0
        self._periods[record.name] = (began, count + 1)
        return count < LINES
