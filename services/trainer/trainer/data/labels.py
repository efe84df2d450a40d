"""What a driver meant: recorded steering made smooth, and the many zeros made fewer.

A keyboard driver steers by impulses, and 71 to 80 % of real rows are exactly 0; both are a
recording's, not the road's. Stores keep what was recorded; this is done to labels in memory.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from contract.dataset import timeline

BIN: Final = 0.05
"""Width of a bin of the steering histogram."""

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
Values = npt.NDArray[np.float32]


def smoothed(
    steering: Values, time_s: Floats, stretches: npt.NDArray[np.int64], window_s: float
) -> Values:
    """Return each row's mean steering over a window of time around it.

    Args:
        steering: (rows,), -1..1.
        time_s: (rows,), rising.
        stretches: (rows,), of uninterrupted driving; no window reaches from one into another.
        window_s: from its beginning to its end; 0 returns the steering as it is.
    """
    if window_s <= 0:
        return steering
    return timeline.window_means(steering, time_s, stretches, window_s).astype(np.float32)


def balanced(steering: Values, mask: Mask, most: float, seed: int) -> Mask:
    """Return the rows of `mask` that are kept so that no steering is too common.

    Args:
        steering: (rows,), -1..1.
        mask: (rows,), those to choose from.
        most: how many times the mean of the bins in use a bin may hold; 0 keeps all rows.
        seed: of the choice.
    """
    if most <= 0 or not mask.any():
        return mask
    bins = np.round(steering / BIN).astype(np.int64)
    kinds, counts = np.unique(bins[mask], return_counts=True)
    room = max(1, round(most * counts.mean()))
    chance = np.random.default_rng([seed, 0xBA1A])
    kept = mask.copy()
    for kind in kinds[counts > room].tolist():
        rows = np.flatnonzero(mask & (bins == kind))
        kept[chance.permutation(rows)[room:]] = False
    return kept
