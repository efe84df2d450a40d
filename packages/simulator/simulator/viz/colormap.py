"""Maps lateral errors to colours."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

COLOUR_STOPS: Final[tuple[tuple[int, int, int], ...]] = (
    (33, 88, 166),
    (38, 152, 170),
    (120, 180, 90),
    (245, 176, 39),
    (222, 73, 38),
    (150, 14, 60),
)
"""Colours from no lateral error to the largest; colour-blind people can tell them apart too."""


def round_up_limit(least: float) -> float:
    """Return the smallest of 0.5, 1, 2, 4, ... that is not less than a value."""
    return float(0.5 * 2 ** max(0, math.ceil(math.log2(max(least, 1e-9) / 0.5))))


def map_colours(share: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Return RGB colours, (N, 3), of lateral errors.

    Args:
        share: Lateral errors as shares of the largest error of the scale, (N,).
    """
    stops = np.linspace(0, 1, len(COLOUR_STOPS))
    colours = np.array(COLOUR_STOPS, dtype=np.float64)
    return np.column_stack(
        [np.interp(share, stops, colours[:, channel]).round() for channel in range(3)]
    ).astype(np.uint8)
