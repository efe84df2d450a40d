"""Waits for what other processes and threads bring about."""

import time
from collections.abc import Callable


def await_true(
    condition: Callable[[], object],
    what: str = "a condition became true",
    timeout_s: float = 60.0,
    every_s: float = 0.02,
) -> float:
    """Wait until a condition is true, and return the seconds that this took."""
    began = time.monotonic()
    while not condition():
        assert time.monotonic() < began + timeout_s, f"not in {timeout_s} s: {what}"
        time.sleep(every_s)
    return time.monotonic() - began
