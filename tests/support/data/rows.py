"""Makes rows of a store's table without a store."""

from __future__ import annotations

import numpy as np

from contract.dataset.store import ROW, Rows


def rows(count: int, start_s: float = 1000.0, step_s: float = 0.1, sides: bool = True) -> Rows:
    """Return rows of which row i has the frames 3i, 3i+1 and 3i+2 and the steering i/1000."""
    table = np.zeros(count, dtype=ROW)
    number = np.arange(count)
    table["line"] = number + 1
    table["time_s"] = start_s + number * step_s
    table["steering"] = number / 1000
    table["center"] = 3 * number
    table["left"] = 3 * number + 1 if sides else -1
    table["right"] = 3 * number + 2 if sides else -1
    return table
