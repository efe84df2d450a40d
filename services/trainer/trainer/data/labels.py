"""Prepares the labels of recordings: smooths the steering and drops rows of too common a steering.

A keyboard driver steers in impulses, and 71 to 80 % of real rows are exactly 0. Both come from the
keyboard, not from the road. The stores keep the steering as recorded; only labels in memory are
changed. This is the one place that does it, for the training and for `lapwing explain`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from contract.dataset import stroke_smoothing, timeline
from contract.vehicle import MPS_PER_MPH
from trainer.data.dataset_rows import DatasetRows
from trainer.data.samples import LabelledRecording

BIN: Final = 0.05
"""Width of a bin of the steering histogram."""

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
Values = npt.NDArray[np.float32]


def prepare_labels(
    datasets: Sequence[DatasetRows],
    masks: Sequence[Mask],
    *,
    label_smoothing_s: float | str,
    max_bin_ratio: float,
    seed: int,
) -> list[LabelledRecording]:
    """Return the datasets with the labels that the network trains on.

    Args:
        datasets: the rows of each dataset, in the order of the training.
        masks: for each dataset, (rows,), true for the rows that train.
        label_smoothing_s: window over which the steering is averaged; "auto" spreads it as far as
            the driven path allows.
        max_bin_ratio: maximum size of a bin of the steering histogram, as a multiple of the mean
            bin; 0 keeps all rows.
        seed: seed of the choice of rows that are dropped.
    """
    labelled = []
    for number, (dataset, mask) in enumerate(zip(datasets, masks, strict=True)):
        time_s, segment, _ = dataset.timeline
        steering = dataset.table["steering"]
        if isinstance(label_smoothing_s, str):
            speed_mps = dataset.table["speed_mph"] * np.float32(MPS_PER_MPH)
            spread = stroke_smoothing.spread_strokes(steering, time_s, segment, speed_mps)
            steering = spread.astype(np.float32)
        else:
            steering = smooth(steering, time_s, segment, label_smoothing_s)
        kept = downsample_bins(steering, mask, max_bin_ratio, seed + number)
        labelled.append(LabelledRecording(dataset.table, mask, kept, segment, steering))
    return labelled


def smooth(
    steering: Values, time_s: Floats, segment: npt.NDArray[np.int64], window_s: float
) -> Values:
    """Return the mean steering over a window of time around each row.

    Args:
        steering: (rows,), -1..1.
        time_s: (rows,), never falling.
        segment: (rows,), numbers of the segments of uninterrupted driving; no window crosses from
            one into another.
        window_s: length of the window; 0 returns the steering as it is.
    """
    if window_s <= 0:
        return steering
    return timeline.window_means(steering, time_s, segment, window_s).astype(np.float32)


def downsample_bins(steering: Values, mask: Mask, max_bin_ratio: float, seed: int) -> Mask:
    """Return the rows of `mask` without those that make a steering too common.

    Args:
        steering: (rows,), -1..1.
        mask: (rows,), the rows to choose from.
        max_bin_ratio: maximum size of a bin, as a multiple of the mean size of the bins in use;
            0 keeps all rows.
        seed: seed of the choice.
    """
    if max_bin_ratio <= 0 or not mask.any():
        return mask
    bins = np.round(steering / BIN).astype(np.int64)
    used_bins, counts = np.unique(bins[mask], return_counts=True)
    max_rows = max(1, round(max_bin_ratio * counts.mean()))
    rng = np.random.default_rng([seed, 0xBA1A])
    kept = mask.copy()
    for number in used_bins[counts > max_rows].tolist():
        rows = np.flatnonzero(mask & (bins == number))
        kept[rng.permutation(rows)[max_rows:]] = False
    return kept
