"""Computes the statistics of a feature, as LeRobot datasets keep them.

They normalise what a policy is given. Those of a camera are for each colour, from 0 to 1, and have
the shape (3, 1, 1); the others have a number for each value of the feature.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

LEVELS: Final = np.arange(256) / 255
QUANTILES: Final = {"q01": 0.01, "q10": 0.10, "q50": 0.50, "q90": 0.90, "q99": 0.99}

Statistics = dict[str, npt.NDArray[np.floating | np.integer]]
Histogram = npt.NDArray[np.int64]
"""Number of pixels of each level, shape (3, 256): a whole video's statistics follow from it."""


def of_values(values: npt.NDArray[np.generic]) -> Statistics:
    """Return the statistics of a feature's values, shape (rows, values)."""
    numbers = values.astype(np.float64)
    return {
        "min": numbers.min(axis=0),
        "max": numbers.max(axis=0),
        "mean": numbers.mean(axis=0),
        "std": numbers.std(axis=0),
        "count": np.array([len(numbers)]),
        **{name: np.quantile(numbers, share, axis=0) for name, share in QUANTILES.items()},
    }


def histogram(frames: npt.NDArray[np.uint8]) -> Histogram:
    """Return the histogram of frames, shape (n, height, width, 3)."""
    levels = [np.bincount(frames[..., color].ravel(), minlength=256) for color in range(3)]
    return np.stack(levels).astype(np.int64)


def of_pixels(counts: Histogram, frames: int) -> Statistics:
    """Return the statistics of `frames` frames with a histogram.

    A quantile is the lowest level that this share of the pixels does not exceed.
    """
    shares = counts / counts.sum(axis=1, keepdims=True)
    mean = shares @ LEVELS
    variance = (shares * (LEVELS - mean[:, None]) ** 2).sum(axis=1)
    reached = np.cumsum(counts, axis=1)
    total = reached[:, -1:]
    present = counts > 0
    values = {
        "min": LEVELS[present.argmax(axis=1)],
        "max": LEVELS[255 - present[:, ::-1].argmax(axis=1)],
        "mean": mean,
        "std": np.sqrt(variance),
        **{
            name: LEVELS[(reached >= share * total).argmax(axis=1)]
            for name, share in QUANTILES.items()
        },
    }
    shaped: Statistics = {name: value.reshape(3, 1, 1) for name, value in values.items()}
    return {**shaped, "count": np.array([frames])}
