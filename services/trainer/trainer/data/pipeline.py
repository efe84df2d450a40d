"""Prepares what a training learns from: the split, the labels, the samples and their order."""

from __future__ import annotations

import dataclasses
import logging
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from contract import steering_metrics
from contract.dataset import unfit_rows
from contract.dataset.frame_blocks import BlockLayout
from contract.errors import TrainingError
from contract.policy.answer import SPEED_UNIT_MPH
from contract.train_config import AUTO, TrainConfig
from contract.vehicle import CAMERA_NAMES
from trainer.data import labels, sampler, samples, side_cameras, storage_probe
from trainer.data.augmentation.variation import Augmentation
from trainer.data.dataset_rows import DatasetRows
from trainer.data.samples import LabelledRecording, Mask, Samples, SampleTable, Values
from trainer.data.split import Split, split

log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class TrainingData:
    """The samples of a training, and how its rows were split."""

    table: SampleTable
    held_steering: npt.NDArray[np.float32]
    """(validation rows,), the driver's steering one row before each."""
    split: Split
    unfit: list[dict[str, int]]
    """For each dataset how many of its rows were left out as unfit, by the reason."""


def prepare(
    datasets: Sequence[DatasetRows],
    config: TrainConfig,
    never_validate: Sequence[Mask] = (),
    *,
    keep_bends: bool = True,
) -> TrainingData:
    """Split the rows of the datasets, and only then label and expand them.

    Args:
        datasets: the rows of each dataset.
        config: the options of the training.
        never_validate: for each dataset the rows that trained an ancestor; see `split`.
        keep_bends: whether validation leaves the bends to the training; see `split`.

    Raises:
        TrainingError: no row is left to train on, or to validate on.
    """
    unfit: list[dict[str, int]] = [{} for _ in datasets]
    if config.leave_out_unfit:
        datasets, unfit = _leave_out_unfit(datasets)
    parts = split(
        datasets,
        config.split,
        config.validation_share,
        config.validation_gap_s,
        config.seed,
        never_validate,
        keep_bends=keep_bends,
    )
    tables = [dataset.table for dataset in datasets]
    table = samples.build_table(
        expand(label(datasets, parts.train, config, config.seed), config),
        samples.centre_frames(tables, parts.train),
        samples.centre_frames(tables, parts.validation),
    )
    if config.learn_speed:
        table = dataclasses.replace(table, speed=_label_speed(datasets, table))
    held = [
        steering_metrics.hold_last(dataset.table["steering"], dataset.timeline.segment)[mask]
        for dataset, mask in zip(datasets, parts.validation, strict=True)
    ]
    table = _mix(table, datasets, config)
    return TrainingData(table, np.concatenate(held), parts, unfit)


def _mix(table: SampleTable, datasets: Sequence[DatasetRows], config: TrainConfig) -> SampleTable:
    """Note which samples are simulated beside a person's own, and how many an epoch takes."""
    number = np.flatnonzero([dataset.simulated for dataset in datasets])
    is_simulated = np.isin(table.samples["store"][table.train], number)
    if not is_simulated.any() or is_simulated.all():
        return table
    simulated = table.train[is_simulated]
    own = len(table.train) - len(simulated)
    count = sampler.count_simulated(own, len(simulated), config.simulator_share)
    log.info(
        "each epoch takes %d own samples, and %d of the %d simulated ones: %.0f %% of it",
        own,
        count,
        len(simulated),
        100 * count / (own + count),
    )
    return dataclasses.replace(table, simulated=simulated, simulated_per_epoch=count)


def _leave_out_unfit(
    datasets: Sequence[DatasetRows],
) -> tuple[list[DatasetRows], list[dict[str, int]]]:
    """Make the rows that are unfit to learn from unusable, and return their numbers by the reason.

    They do not validate either: how well a network repeats them says nothing about its driving.

    Raises:
        TrainingError: all rows are unfit.
    """
    unfit = [dataset.fitness.count(dataset.usable) for dataset in datasets]
    fit = [
        dataclasses.replace(dataset, usable=dataset.usable & dataset.fitness.fit)
        for dataset in datasets
    ]
    if any(unfit) and not any(dataset.usable.any() for dataset in fit):
        raise TrainingError(
            "no row is left to train on: all of them are unfit to learn from",
            got=[unfit_rows.describe(counts) for counts in unfit],
            remedy="Record laps that are driven steadily, or train with --no-leave-out-unfit",
        )
    return fit, unfit


def _label_speed(datasets: Sequence[DatasetRows], table: SampleTable) -> Values:
    """Return the speed's label of each sample, in SPEED_UNIT_MPH, (samples,).

    Raises:
        TrainingError: no row that trains, or none that validates, has a label.
    """
    labels = np.full(len(table.samples), np.nan, np.float32)
    for number, dataset in enumerate(datasets):
        own = table.samples["store"] == number
        labels[own] = dataset.target_mph[table.samples["row"][own]] / SPEED_UNIT_MPH
    for use, numbers in (("train", table.train), ("validate", table.validation)):
        if not np.isfinite(labels[numbers]).any():
            raise TrainingError(
                f"no row that is to {use} the network says which speed its driver would hold",
                got=f"{len(numbers)} samples: without a speed, of a car that starts or stops, or "
                "corrected by DAgger",
                remedy="Train without --learn-speed, or record laps that a person drove",
            )
    return labels


def label(
    datasets: Sequence[DatasetRows], masks: Sequence[Mask], config: TrainConfig, seed: int
) -> list[LabelledRecording]:
    """Return the datasets with their labels; `masks` are true for the rows that train."""
    return labels.prepare_labels(
        datasets,
        masks,
        label_smoothing_s=config.label_smoothing_s,
        max_bin_ratio=config.max_bin_ratio,
        seed=seed,
    )


def expand(labelled: Sequence[LabelledRecording], config: TrainConfig) -> Samples:
    """Return the samples of labelled recordings: all cameras, earlier frames, mirror images."""
    return samples.expand(
        labelled,
        cameras=CAMERA_NAMES if config.cameras else CAMERA_NAMES[:1],
        labeller=side_cameras.make_labeller(config.steering_correction, config.recovery_time_s),
        flip=config.flip,
        history=config.history,
    )


def augmentation(config: TrainConfig) -> Augmentation:
    """Return how the samples are varied."""
    return Augmentation(
        brightness=config.brightness,
        shadow=config.shadow,
        blur=config.blur,
        shift_m=config.shift_m,
        turn_deg=config.turn_deg,
        recovery_time_s=config.recovery_time_s,
    )


def choose_shuffle(stores: Sequence[BlockLayout], config: TrainConfig) -> str:
    """Return how the epochs are shuffled, "exact", "blocks" or "none", and log the reason."""
    if config.shuffle != AUTO:
        return config.shuffle
    if any(layout.remote is not None for layout in stores):
        log.info("shuffle: blocks (the stores do not fit into LAPWING_CACHE_BYTES)")
        return "blocks"
    frames, free = sum(layout.frames for layout in stores), storage_probe.free_bytes()
    rate = math.inf
    if sampler.exceeds_memory(frames, free):
        rate = storage_probe.random_frames_per_s(stores)
    strategy, reason = sampler.choose_strategy(frames, free, rate)
    log.info("shuffle: %s (%s)", strategy, reason)
    return strategy
