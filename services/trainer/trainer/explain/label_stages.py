"""Shows how the labels of a version changed at each stage of their preparation."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from contract.dataset import unfit_rows
from contract.train_config import TrainConfig
from trainer.data import pipeline
from trainer.explain.plots.steering import LabelStage
from trainer.explain.provenance import TrainingRecording


def label_stages(recordings: Sequence[TrainingRecording], config: TrainConfig) -> list[LabelStage]:
    """Return the labels as recorded, smoothed, rebalanced, and expanded into samples.

    Args:
        recordings: the recordings that still exist; they are prepared as the training did it.
        config: options of the training.
    """
    labelled = [
        pipeline.label(
            [recording.dataset], [recording.train], config, config.seed + recording.number
        )[0]
        for recording in recordings
    ]
    samples = pipeline.expand(labelled, config)
    if isinstance(config.label_smoothing_s, str):
        smoothing = "spread as far as the driven path allows"
    elif config.label_smoothing_s:
        smoothing = f"means over {config.label_smoothing_s:g} s"
    else:
        smoothing = "not used: as recorded"
    balance = (
        f"no bin above {config.max_bin_ratio:g} x the mean"
        if config.max_bin_ratio
        else "not used: all rows"
    )
    return [
        LabelStage(
            "recorded rows that train",
            np.concatenate([part.rows["steering"][part.mask] for part in labelled]),
            _describe_recorded(recordings),
        ),
        LabelStage(
            "smoothed", np.concatenate([part.steering[part.mask] for part in labelled]), smoothing
        ),
        LabelStage(
            "rebalanced", np.concatenate([part.steering[part.kept] for part in labelled]), balance
        ),
        LabelStage("expanded into samples", samples["label"], _describe_expansion(config)),
    ]


def _describe_recorded(recordings: Sequence[TrainingRecording]) -> str:
    """Describe in words what was recorded, and how many rows were left out as unfit."""
    unfit: Counter[str] = Counter()
    for recording in recordings:
        unfit.update(recording.unfit)
    without = f", without {unfit_rows.describe(unfit)} that are unfit" if unfit else ""
    return f"what the driver did{without}"


def _describe_expansion(config: TrainConfig) -> str:
    """Describe in words how rows become samples."""
    steps = []
    if config.cameras:
        if isinstance(config.steering_correction, str):
            steps.append(f"side cameras, steered back within {config.recovery_time_s:g} s")
        else:
            steps.append(f"side cameras, steering ± {config.steering_correction:g}")
    if config.history:
        steps.append(f"{config.history} earlier frames")
    if config.flip:
        steps.append("mirror images")
    return ", ".join(steps) or "not used: one sample for each row"
