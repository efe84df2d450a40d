"""A colour for each lateral error."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

RAMP: Final[tuple[tuple[int, int, int], ...]] = (
    (33, 88, 166),
    (38, 152, 170),
    (120, 180, 90),
    (245, 176, 39),
    (222, 73, 38),
    (150, 14, 60),
)
"""From no lateral error to the largest of the bar; told apart by the colour-blind too."""


def nice(least: float) -> float:
    """Return the smallest of 0.5, 1, 2, 4, ... that is not less."""
    return float(0.5 * 2 ** max(0, math.ceil(math.log2(max(least, 1e-9) / 0.5))))


def colours(share: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Return (N, 3), RGB, for (N,) lateral errors as shares of the bar's largest."""
    at = np.linspace(0, 1, len(RAMP))
    ramp = np.array(RAMP, dtype=np.float64)
    return np.column_stack(
        [np.interp(share, at, ramp[:, channel]).round() for channel in range(3)]
    ).astype(np.uint8)
