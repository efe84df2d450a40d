"""Computes the steps of a training: in this process alone, or in this one as one of several.

The loop (loop.py) and the learner (learner.py) count epochs, choose the best weights and save them,
whatever computes. `StepEngine` computes in this process alone;
trainer/distributed/data_parallel.py is the one that shares each step among processes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Protocol

import keras
import numpy as np
import numpy.typing as npt

Values = npt.NDArray[np.float32]


class TrainingBatch(Protocol):
    """A batch that a training step takes."""

    @property
    def numbers(self) -> npt.NDArray[np.int64]:
        """Numbers of the samples in the table of the training, (n,)."""

    @property
    def frames(self) -> object:
        """Frames uint8 (n, rows, 128, 3), an array or a tensor of the backend."""

    @property
    def labels(self) -> Values:
        """Steering, (n,)."""


class StepEngine:
    """Computes all steps of a training in this process."""

    reduction: str = "sum_over_batch_size"
    """How Keras makes one loss of those of the samples of a batch; here it is their mean."""
    saves: bool = True
    """Whether this process saves the network."""

    def train(
        self, model: keras.Model, batch: TrainingBatch, labels: Values
    ) -> tuple[TrainingBatch, float]:
        """Train one step; return the whole batch that was trained on, and its mean loss.

        Args:
            model: the compiled network.
            batch: the part of the batch that this process has.
            labels: what the network is to answer for it, (n, outputs).
        """
        logs = model.train_on_batch(batch.frames, labels, return_dict=True)
        return batch, float(logs["loss"])  # of this batch alone

    def predict(self, model: keras.Model, batches: Iterable[TrainingBatch]) -> Values:
        """Return the network's output for all frames of all processes, (n, outputs)."""
        output = [np.asarray(model.predict_on_batch(batch.frames)) for batch in batches]
        return np.concatenate(output).astype(np.float32)

    def describe(self) -> dict[str, int]:
        """Return what the history of the training tells of the engine."""
        return {}

    def agree(self, scores: Mapping[str, float]) -> dict[str, float]:
        """Return the scores that all processes go on with, so that they end at the same epoch."""
        return dict(scores)


ALONE = StepEngine()
"""The engine of a training that has one process; it has no state."""
