"""Lists the samples of a training as numbers of frames, without copying any pixel."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt

from contract.dataset.store import ABSENT, Rows
from contract.errors import TrainingError
from contract.vehicle import MPS_PER_MPH

SAMPLE: Final = np.dtype(
    [
        ("store", "<i4"),  # number of the store among the job's
        ("frame", "<i4"),  # number of the frame in the store
        ("row", "<i4"),  # row whose steering is the label
        ("label", "<f4"),  # steering, -1..1, corrected for the camera
        ("speed_mps", "<f4"),
        ("flip", "?"),  # the frame is mirrored; the label is reversed already
    ]
)
Samples = npt.NDArray[np.void]
Mask = npt.NDArray[np.bool_]
Numbers = npt.NDArray[np.int64]
Values = npt.NDArray[np.float32]
Labeller = Callable[[Values, str, Values], Values]
"""Takes steering (n,), the name of a camera and speed (n,), m/s; returns labels (n,)."""


@dataclass(frozen=True)
class SampleTable:
    """All samples of a job in one table, and the numbers of those for each use."""

    samples: Samples
    train: Numbers
    """The samples to train on: all cameras, earlier frames, mirror images."""
    train_centre: Numbers
    """The centre frames of the rows that train, as recorded."""
    validation: Numbers
    """The centre frames of the rows that validate, as recorded."""
    simulated: Numbers = field(default_factory=lambda: np.zeros(0, np.int64))
    """Those samples of `train` that come from the simulator, beside a person's own recordings."""
    simulated_per_epoch: int = 0
    """How many of them an epoch takes."""
    speed: Values | None = None
    """The speed's label of each sample, in SPEED_UNIT_MPH, (samples,), NaN where there is none;
    None if no speed is learned. It is the same for all cameras, moved views and mirror images."""

    @property
    def epoch_samples(self) -> int:
        """Number of samples in an epoch."""
        return len(self.train) - len(self.simulated) + self.simulated_per_epoch

    @property
    def own_centre(self) -> Numbers:
        """Those samples of `train_centre` that no simulated lap has."""
        stores = self.samples["store"]
        laps = np.unique(stores[self.simulated])
        return self.train_centre[~np.isin(stores[self.train_centre], laps)]


def build_table(train: Samples, train_centre: Samples, validation: Samples) -> SampleTable:
    """Put the samples of the three uses into one table."""
    ends = np.cumsum([len(train), len(train_centre), len(validation)])
    trains, centres, validates = np.split(np.arange(ends[-1], dtype=np.int64), ends[:-1])
    samples = np.concatenate([train, train_centre, validation])
    return SampleTable(samples, trains, centres, validates)


@dataclass(frozen=True, eq=False)
class LabelledRecording:
    """One recording with the labels that the network trains on.

    Args:
        rows: the rows of its store.
        mask: (rows,), true for rows whose frames may be trained on.
        kept: (rows,), true for those of them whose steering is trained on.
        segment: (rows,), numbers of the segments of uninterrupted driving.
        steering: (rows,), -1..1, the labels.
    """

    rows: Rows
    mask: Mask
    kept: Mask
    segment: Numbers
    steering: npt.NDArray[np.float32]


def expand(
    recordings: Sequence[LabelledRecording],
    *,
    cameras: Sequence[str],
    labeller: Labeller,
    flip: bool,
    history: int,
) -> Samples:
    """Expand recordings into samples: cameras, earlier frames, mirror images.

    An earlier frame is used only if it belongs to the same segment of driving and its own row may
    be trained on.

    Args:
        recordings: the recordings, in the order of the job's stores.
        cameras: names of the cameras whose frames are used.
        labeller: gives the labels of a camera's frames.
        flip: whether the mirror image of each sample is added.
        history: number of earlier frames that are used with the label of each row.

    Raises:
        TrainingError: there is no sample.
    """
    parts = []
    for number, recording in enumerate(recordings):
        for age in range(history + 1):
            later = np.flatnonzero(recording.kept)
            later = later[later >= age]
            earlier = later - age
            usable = recording.mask[earlier] & (
                recording.segment[earlier] == recording.segment[later]
            )
            later, earlier = later[usable], earlier[usable]
            for camera in cameras:
                frames = recording.rows[camera][earlier]
                present = frames != ABSENT
                seen = later[present]
                speed_mps = recording.rows["speed_mph"][seen] * np.float32(MPS_PER_MPH)
                labels = labeller(recording.steering[seen], camera, speed_mps)
                parts.append(_samples(number, recording.rows, frames[present], seen, labels))
    samples = np.concatenate(parts)
    if not len(samples):
        raise TrainingError("the split leaves no sample to train on", remedy="Record more laps")
    return np.concatenate([samples, _mirror(samples)]) if flip else samples


def centre_frames(recordings: Sequence[Rows], masks: Sequence[Mask]) -> Samples:
    """Return one sample for each row of `masks`: the centre frame as recorded, in order of time."""
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


def _mirror(samples: Samples) -> Samples:
    mirrored = samples.copy()
    mirrored["flip"] = True
    mirrored["label"] = -samples["label"]
    return mirrored
