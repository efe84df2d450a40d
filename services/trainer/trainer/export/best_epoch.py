"""Exports the network of the published epoch, with its scores, as the files of a version."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np

from contract.models import golden
from contract.models.registry import H5, TFLITE
from contract.policy.litert import LiteRT
from trainer.export import layer_table, litert
from trainer.training import training_view
from trainer.training.learner import Learner
from trainer.training.loop import TrainingLoop
from trainer.training.run_state import TrainingState

PARITY_FRAMES: Final = 256
"""Number of validation frames on which the LiteRT model is compared with the network."""


def export_best_epoch(loop: TrainingLoop) -> tuple[Path, dict[str, float]]:
    """Write that epoch's network and its LiteRT form; return their folder and the metrics.

    Where the training averaged its weights, the network has the averaged ones.
    """
    state, table = loop.state, loop.data.table
    best = loop.load(loop.workspace.network(state.best_epoch))
    # Published in float32, whichever precision it was trained in.
    network = loop.build_whole("float32")
    with best.averaged():
        network.set_weights(best.model.get_weights())
    learner = Learner(training_view.of(network))
    staging_dir = loop.workspace.staging_dir()
    network.save(staging_dir / H5)
    layer_table.write(staging_dir, network)
    litert.convert_trained(staging_dir / H5, staging_dir / TFLITE)
    predicted, scores = loop.validate(learner)
    step = -(-len(predicted) // PARITY_FRAMES)
    frames = loop.batches.whole_frames(table.validation[::step])
    twin_difference = litert.check_parity(predicted[::step], LiteRT(staging_dir).predict(frames))
    golden.write(staging_dir / golden.FILE, frames, predicted[::step])
    train_errors = (
        learner.predict(loop.batches.recorded(table.own_centre))[:, 0]
        - table.samples["label"][table.own_centre]
    )
    return staging_dir, {
        "train_samples": float(table.epoch_samples),
        "train_rows": float(len(table.train_centre)),
        "train_mse": float(np.mean(train_errors.astype(np.float64) ** 2)),
        **{f"validation_{name}": value for name, value in scores.items()},
        "epochs": float(state.epoch),
        "best_epoch": float(state.best_epoch),
        "twin_difference": twin_difference,
        "data_share": data_share(state),
        **_parent_scores(loop),
    }


def _parent_scores(loop: TrainingLoop) -> dict[str, float]:
    """Return how the weights that a fine-tuning started from score on its validation rows."""
    if loop.start_weights is None:
        return {}
    network = loop.build_whole("float32")
    network.set_weights(loop.start_weights)
    scores = loop.validate(Learner(training_view.of(network)))[1]
    return {f"parent_validation_{name}": scores[name] for name in ("mse", "mae_deg")}


def data_share(state: TrainingState) -> float:
    """Return the share of the time that the training waited for data."""
    return float(np.mean([epoch["data_share"] for epoch in state.history]))
