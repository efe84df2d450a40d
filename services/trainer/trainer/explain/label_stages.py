"""What a version was taught: its labels at each stage of their preparation."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from contract.train_config import TrainConfig
from contract.vehicle import CAMERA_NAMES
from trainer import material
from trainer.data import samples as index
from trainer.data import side_cameras
from trainer.explain.plots.steering import Lesson
from trainer.explain.provenance import Source


def lessons(sources: Sequence[Source], config: TrainConfig) -> list[Lesson]:
    """Return the labels as recorded, smoothed, rebalanced, and expanded into samples.

    Args:
        sources: the recordings that are still there, which are prepared as the training did.
        config: of the training.
    """
    found = [
        material.prepared(
            [each.rows],
            [each.train],
            smooth_s=config.label_smoothing_s,
            balance=config.max_bin_ratio,
            seed=config.seed + each.number,
        )[0]
        for each in sources
    ]
    samples = index.training(
        found,
        cameras=CAMERA_NAMES if config.cameras else CAMERA_NAMES[:1],
        labeller=side_cameras.labeller(config.steering_correction, config.recovery_time_s),
        flip=config.flip,
        history=config.history,
    )
    smooth = (
        f"means over {config.label_smoothing_s:g} s"
        if config.label_smoothing_s
        else "not used: as recorded"
    )
    balance = (
        f"no bin above {config.max_bin_ratio:g} x the mean"
        if config.max_bin_ratio
        else "not used: all rows"
    )
    return [
        Lesson(
            "recorded rows that train",
            np.concatenate([each.rows["steering"][each.mask] for each in found]),
            "what the driver did",
        ),
        Lesson("smoothed", np.concatenate([each.steering[each.mask] for each in found]), smooth),
        Lesson("rebalanced", np.concatenate([each.steering[each.kept] for each in found]), balance),
        Lesson("expanded into samples", samples["label"], _expansion(config)),
    ]


def _expansion(config: TrainConfig) -> str:
    """Say in words how rows become samples."""
    said = []
    if config.cameras:
        if isinstance(config.steering_correction, str):
            said.append(f"side cameras, steered back within {config.recovery_time_s:g} s")
        else:
            said.append(f"side cameras, steering ± {config.steering_correction:g}")
    if config.history:
        said.append(f"{config.history} earlier frames")
    if config.flip:
        said.append("mirror images")
    return ", ".join(said) or "not used: a sample a row"
