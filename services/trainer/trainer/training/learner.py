"""Trains the network step by step, and stops when its loss diverges."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final, Self

import keras
import numpy as np
from keras import ops

from contract.errors import TrainingError
from contract.files import atomic_files
from trainer.training import weights_file
from trainer.training.engine import ALONE, StepEngine, TrainingBatch, Values
from trainer.training.learning_rate import LearningRate

DIVERGENCE_FACTOR: Final = 10.0
"""A running loss this many times the best epoch's counts as divergence.

The loss of the write-up went from 0.0233 to 0.3627 in one epoch and never came back."""
CLIP_NORM: Final = 1.0
"""Maximum norm of the gradient of a step."""
CHECK_EVERY: Final = 50
"""Number of steps after which the running loss is checked."""
SPEED_WEIGHT: Final = 1.0
"""Weight of the speed's squared error, in units of 30 mph, beside that of the steering, -1..1.

In these units both labels spread alike: on our jungle by 0.19, and by 0.27 with side cameras."""


class Learner:
    """A compiled network that trains an epoch at a time and saves its whole state.

    Args:
        model: the compiled network with its optimizer.
        best_loss: lowest training loss of an epoch so far.
        speed: the speed's label of each sample of the training, in SPEED_UNIT_MPH, (samples,); NaN
            where there is none. None if the network learns the steering alone.
        engine: computes the steps.
    """

    def __init__(
        self,
        model: keras.Model,
        best_loss: float = math.inf,
        speed: Values | None = None,
        engine: StepEngine = ALONE,
    ) -> None:
        self.model = model
        self._best_loss = best_loss
        self._speed = speed
        self._engine = engine

    @classmethod
    def start(
        cls,
        network: keras.Model,
        learning_rate: LearningRate,
        speed: Values | None = None,
        *,
        averaging_steps: float = 0.0,
        engine: StepEngine = ALONE,
    ) -> Self:
        """Compile an untrained network with AMSGrad on the mean squared error.

        With a speed, the loss is that of the steering plus SPEED_WEIGHT times that of the speed, so
        that the steering learns as it does alone.

        Args:
            network: the network.
            learning_rate: the learning rate, or its schedule over the steps.
            speed: the speed's label of each sample; None if it learns the steering alone.
            averaging_steps: number of steps over which the weights are averaged exponentially; 0
                does not average.
            engine: computes the steps.

        Plain Adam forgets how large the gradients were: after a long time of small ones, a single
        unusual batch moves every weight by three learning rates, and the loss diverges. The
        write-up's did in its eighth epoch; ours, on 21,000 simulated rows, in the fifth or sixth,
        with clipping and without. AMSGrad (Reddi, Kale, Kumar 2018, arXiv 1904.09237) does not
        forget.
        """
        adam = keras.optimizers.Adam(
            learning_rate,
            amsgrad=True,
            global_clipnorm=CLIP_NORM,
            use_ema=averaging_steps > 0,
            # A weight of t steps ago counts exp(-t / averaging_steps) of the present one.
            ema_momentum=math.exp(-1 / averaging_steps) if averaging_steps > 0 else 0.0,
        )
        errors = keras.losses.MeanSquaredError if speed is None else _TwoErrors
        network.compile(optimizer=adam, loss=errors(reduction=engine.reduction))
        return cls(network, speed=speed, engine=engine)

    @classmethod
    def load(
        cls,
        path: Path,
        network: keras.Model,
        learning_rate: LearningRate,
        best_loss: float,
        speed: Values | None = None,
        *,
        averaging_steps: float = 0.0,
        engine: StepEngine = ALONE,
    ) -> Self:
        """Return the learner that `save` wrote, with the state of optimizer and dropout.

        The file holds only numbers; the caller builds the network, and gives what `start` was
        given. The averaged weights and the number of steps, which the schedule goes by, are
        variables of the optimizer.

        Raises:
            ModelError: the file is damaged, or holds another network.
        """
        learner = cls.start(
            network, learning_rate, speed, averaging_steps=averaging_steps, engine=engine
        )
        weights_file.read(path, learner._variables())
        learner._best_loss = best_loss
        return learner

    def train_steps(
        self, batches: Iterable[TrainingBatch]
    ) -> Iterator[tuple[TrainingBatch, float]]:
        """Train one step on each batch; yield what was trained on, and its mean loss.

        Raises:
            TrainingError: the loss diverges or is not a finite number.
        """
        recent: list[float] = []
        for batch in batches:
            trained, loss = self._engine.train(self.model, batch, self._labels(batch))
            if not math.isfinite(loss):
                raise _diverged("the loss is not a finite number any more", loss)
            recent.append(loss)
            if len(recent) == CHECK_EVERY:
                self._check_divergence(sum(recent) / CHECK_EVERY)
                recent.clear()
            yield trained, loss

    def _labels(self, batch: TrainingBatch) -> Values:
        """Return what the network is to answer, (n, 1), or (n, 2) with the speed."""
        if self._speed is None:
            return batch.labels[:, None]
        return np.stack([batch.labels, self._speed[batch.numbers]], axis=1)

    def end_epoch(self, loss: float) -> None:
        """Record the mean loss of a finished epoch.

        Raises:
            TrainingError: the loss diverged.
        """
        self._check_divergence(loss)
        self._best_loss = min(self._best_loss, loss)

    def _check_divergence(self, loss: float) -> None:
        if loss > DIVERGENCE_FACTOR * self._best_loss:
            raise _diverged(
                f"the loss diverged: it exceeds {DIVERGENCE_FACTOR:g} times the best epoch's "
                f"{self._best_loss:.4g}",
                f"{loss:.4g}",
            )

    @contextlib.contextmanager
    def averaged(self) -> Iterator[None]:
        """Hold the weights that are validated and published while the `with` block runs.

        They are the averaged ones if the training averages, else the network's own. Afterwards the
        network has its own weights again, to the bit, and can be trained further. The first step
        sets the average to the weights that it makes, so that it never holds zeros.
        """
        model = self.model
        averages = model.compiled and model.optimizer.use_ema
        if not averages or not int(keras.ops.convert_to_numpy(model.optimizer.iterations)):
            yield
            return
        own = [keras.ops.convert_to_numpy(each).copy() for each in model.trainable_variables]
        model.optimizer.finalize_variable_values(model.trainable_variables)
        try:
            yield
        finally:
            for variable, value in zip(model.trainable_variables, own, strict=True):
                variable.assign(value)

    def predict(self, batches: Iterable[TrainingBatch]) -> Values:
        """Return the network's output for all frames, (n, 1), or (n, 2) with the speed."""
        return self._engine.predict(self.model, batches)

    def save(self, path: Path) -> None:
        """Save everything that the training needs to resume, if this process is to save it."""
        if not self._engine.saves:
            return
        temporary = atomic_files.temporary_path(path)
        try:
            weights_file.write(temporary, self._variables())
            atomic_files.fsync(temporary)
            atomic_files.rename(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)

    def _variables(self) -> dict[str, list[Any]]:
        optimizer = self.model.optimizer
        if not optimizer.built:  # Keras would build it in the first step
            optimizer.build(self.model.trainable_variables)
        metric_ids = {id(variable) for variable in self.model.metrics_variables}
        optimizer_ids = {id(variable) for variable in optimizer.variables}
        return {
            "network": [
                variable
                for variable in self.model.variables
                if id(variable) not in metric_ids | optimizer_ids
            ],
            "optimizer": list(optimizer.variables),
        }


class _TwoErrors(keras.losses.Loss):
    """The squared errors of steering and speed; the speed counts only where it has a label."""

    def call(self, label: Any, predicted: Any) -> Any:  # noqa: ANN401 - Keras publishes no types
        """Return the loss of each sample, (n,)."""
        known = ops.isfinite(label)
        # The label is replaced, not the error: the gradient of an error that is NaN is NaN as well.
        squared = ops.square(predicted - ops.where(known, label, predicted))
        return squared[:, 0] + SPEED_WEIGHT * squared[:, 1]


def _diverged(problem: str, got: object) -> TrainingError:
    return TrainingError(
        problem,
        got=got,
        remedy="Lower the learning rate, or look for wrong steering in the recording",
    )
