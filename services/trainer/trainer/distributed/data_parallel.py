"""Computes each step of a training in several processes, each of which has a piece of the batch.

Every process has all weights, and the gradients are those of the whole batch. JAX draws the random
numbers of dropout by the position of a value in the whole batch. So a step is the same for any
number of processes, but for the rounding of sums in another order.

The last batch of an epoch seldom fills the pieces. Empty places get frames of zeros and the weight
0, and the loss is divided by the sum of the weights.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import keras
import numpy as np
import numpy.typing as npt

from trainer.distributed.process_group import ProcessGroup
from trainer.training.engine import StepEngine, TrainingBatch, Values

NUMBER_WORDS: Final = 2
"""Words of 32 bits of a sample's number: JAX's integers have no more."""


@dataclass(frozen=True, eq=False)
class GatheredBatch:
    """A batch that all processes together have trained on."""

    numbers: npt.NDArray[np.int64]
    labels: Values
    frames: object = None
    """The frames stay where they were trained on."""


class DataParallelEngine(StepEngine):
    """Computes the steps together with the other processes of a group, which do the same.

    Args:
        group: the processes.
        batch: number of samples in a whole batch.
    """

    reduction = "mean_with_sample_weight"

    def __init__(self, group: ProcessGroup, batch: int) -> None:
        self._group = group
        self._places = group.share.size(batch)
        self.saves = group.rank == 0
        self._spread: keras.Model | None = None
        self._compiled: tuple[keras.Model, Any] | None = None

    def train(
        self, model: keras.Model, batch: TrainingBatch, labels: Values
    ) -> tuple[TrainingBatch, float]:
        """Train one step; return the whole batch that was trained on, and its mean loss.

        The numbers and labels of the batch are those that each process says it trained on.
        """
        if self._spread is not model:
            self._group.replicate(_variables(model))
            self._spread = model
        weights = np.zeros(self._places, np.float32)
        weights[: len(labels)] = 1.0
        logs = model.train_on_batch(
            self._fill(batch.frames), self._fill(labels), sample_weight=weights, return_dict=True
        )
        loss = float(logs["loss"])
        told = np.zeros((self._places, NUMBER_WORDS + 2), np.uint32)
        told[: len(labels), :NUMBER_WORDS] = _words(batch.numbers.astype("<i8"))
        told[: len(labels), NUMBER_WORDS:-1] = _words(batch.labels)
        told[:, -1] = weights > 0
        told = self._group.gather(told)
        told = told[told[:, -1] > 0]
        numbers = np.ascontiguousarray(told[:, :NUMBER_WORDS]).view("<i8")[:, 0]
        trained = np.ascontiguousarray(told[:, NUMBER_WORDS:-1]).view(np.float32)[:, 0]
        return GatheredBatch(numbers, trained), loss

    def predict(self, model: keras.Model, batches: Iterable[TrainingBatch]) -> Values:
        """Return the network's output for all frames of all processes, (n, outputs)."""
        return np.concatenate(list(self._predicted(model, batches)))

    def _predicted(self, model: keras.Model, batches: Iterable[TrainingBatch]) -> Iterator[Values]:
        answer = self._answer(model)
        trainable = [variable.value for variable in model.trainable_variables]
        other = [variable.value for variable in model.non_trainable_variables]
        for batch in batches:
            count = np.zeros((1, 1), np.uint32)
            count[0] = len(batch.numbers)
            frames = self._group.join_rows(self._fill(batch.frames))
            told = np.asarray(answer(trainable, other, frames), np.float32)
            pieces = told.reshape(self._group.workers, self._places, -1)
            for piece, (own,) in zip(pieces, self._group.gather(count), strict=True):
                yield piece[:own]

    def _answer(self, model: keras.Model) -> Any:  # noqa: ANN401 - JAX publishes no types
        """Return the compiled function from weights and frames to outputs, which all get."""
        import jax

        if self._compiled is not None and self._compiled[0] is model:
            return self._compiled[1]

        def answer(trainable: Any, other: Any, frames: Any) -> Any:  # noqa: ANN401 - JAX publishes no types
            return model.stateless_call(trainable, other, frames, training=False)[0]

        function = jax.jit(answer, out_shardings=self._group.replicated)
        self._compiled = model, function
        return function

    def describe(self) -> dict[str, int]:
        """Return how many workers have computed the epoch."""
        return {"workers": self._group.workers}

    def agree(self, scores: Mapping[str, float]) -> dict[str, float]:
        """Return the scores of rank 0.

        Other processors may round them differently, and all have to stop after the same epoch.
        """
        told = self._group.broadcast(np.array(list(scores.values()), np.float64))
        return dict(zip(scores, told.tolist(), strict=True))

    def _fill(self, rows: Any) -> Any:  # noqa: ANN401 - JAX publishes no types
        """Return the rows with zeros in the empty places of this process's piece."""
        missing = self._places - len(rows)
        if not missing:
            return rows
        width = [(0, missing), *[(0, 0)] * (len(rows.shape) - 1)]
        if isinstance(rows, np.ndarray):
            return np.pad(rows, width)
        return keras.ops.pad(rows, width)


def _variables(model: keras.Model) -> list[Any]:
    """Return all variables that a training step reads or writes."""
    if not model.optimizer.built:  # Keras would build it in the first step
        model.optimizer.build(model.trainable_variables)
    return [*model.variables, *model.optimizer.variables]


def _words(values: npt.NDArray[Any]) -> npt.NDArray[np.uint32]:
    """Return the bits of values, (n,), in words of 32 bits, (n, words)."""
    words = values.dtype.itemsize // 4
    return np.ascontiguousarray(values).view(np.uint32).reshape(len(values), words)
