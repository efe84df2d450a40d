"""The index of samples: what a network is shown, as numbers of frames, never as copied pixels."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from contract.dataset.store import ABSENT, Rows
from contract.errors import TrainingError
from contract.vehicle import MPS_PER_MPH

SAMPLE: Final = np.dtype(
    [
        ("store", "<i4"),  # which of the job's stores
        ("frame", "<i4"),  # which of its frames
        ("row", "<i4"),  # the row whose steering it is labelled with
        ("label", "<f4"),  # steering, -1..1, corrected for its camera
        ("speed_mps", "<f4"),
        ("flip", "?"),  # shown mirrored; the label is reversed already
    ]
)
Samples = npt.NDArray[np.void]
Mask = npt.NDArray[np.bool_]
Numbers = npt.NDArray[np.int64]
Values = npt.NDArray[np.float32]
Labeller = Callable[[Values, str, Values], Values]
"""Of steerings (n,), a camera's name and speeds (n,), m/s: the labels (n,) of its frames."""


@dataclass(frozen=True)
class Table:
    """All samples of a job in one table, and which numbers of it serve which use."""

    samples: Samples
    train: Numbers
    """Expanded: cameras, history, mirror images."""
    seen: Numbers
    """The centre frames of the rows that train, as the driver saw them."""
    validation: Numbers
    """The centre frames of the rows that validate."""


def tabulate(training: Samples, seen: Samples, validation: Samples) -> Table:
    """Put the three uses of samples into one table."""
    ends = np.cumsum([len(training), len(seen), len(validation)])
    numbers = np.split(np.arange(ends[-1], dtype=np.int64), ends[:-1])
    return Table(np.concatenate([training, seen, validation]), *numbers)


@dataclass(frozen=True, eq=False)
class Material:
    """One recording as it is to be trained on.

    Args:
        rows: of its store.
        mask: (rows,), those whose frames may be trained on.
        kept: (rows,), those of them whose steering is trained on.
        stretch: (rows,), numbers of the stretches of uninterrupted driving.
        steering: (rows,), -1..1, what is to be learned.
    """

    rows: Rows
    mask: Mask
    kept: Mask
    stretch: Numbers
    steering: npt.NDArray[np.float32]


def training(
    recordings: Sequence[Material],
    *,
    cameras: Sequence[str],
    labeller: Labeller,
    flip: bool,
    history: int,
) -> Samples:
    """Expand recordings into samples: cameras, earlier frames, mirror images.

    An earlier frame is taken only from the same stretch of driving and only from a row that may be
    trained on itself.

    Raises:
        TrainingError: there is none.
    """
    parts = []
    for number, each in enumerate(recordings):
        for age in range(history + 1):
            later = np.flatnonzero(each.kept)
            later = later[later >= age]
            earlier = later - age
            joined = each.mask[earlier] & (each.stretch[earlier] == each.stretch[later])
            later, earlier = later[joined], earlier[joined]
            speed_mps = each.rows["speed_mph"][later] * np.float32(MPS_PER_MPH)
            for camera in cameras:
                frames = each.rows[camera][earlier]
                seen = frames != ABSENT
                labels = labeller(each.steering[later], camera, speed_mps)
                parts.append(_samples(number, each.rows, frames[seen], later[seen], labels[seen]))
    samples = np.concatenate(parts)
    if not len(samples):
        raise TrainingError("the split leaves nothing to train on", remedy="Record more laps")
    return np.concatenate([samples, _mirrored(samples)]) if flip else samples


def plain(recordings: Sequence[Rows], masks: Sequence[Mask]) -> Samples:
    """Return one sample a row of `masks`: the centre frame as it was seen, in order of time."""
    return np.concatenate(
        [
            _samples(
                number, rows, rows["center"][mask], np.flatnonzero(mask), rows["steering"][mask]
            )
            for number, (rows, mask) in enumerate(zip(recordings, masks, strict=True))
        ]
    )


def _samples(
    store: int,
    table: Rows,
    frames: npt.NDArray[np.int32],
    rows: npt.NDArray[np.int64],
    labels: npt.NDArray[np.float32],
) -> Samples:
    samples = np.zeros(len(frames), dtype=SAMPLE)
    samples["store"], samples["frame"], samples["row"] = store, frames, rows
    samples["label"] = labels
    samples["speed_mps"] = table["speed_mph"][rows] * MPS_PER_MPH
    return samples


def _mirrored(samples: Samples) -> Samples:
    mirrored = samples.copy()
    mirrored["flip"] = True
    mirrored["label"] = -samples["label"]
    return mirrored
