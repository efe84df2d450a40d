"""The learner: the network under training, epoch by epoch, with its best weights kept."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final, Self

import keras
import numpy as np
import numpy.typing as npt

from contract import publish
from contract.errors import TrainingError

EXPLOSION: Final = 10.0
"""A running loss this many times the best epoch's is an explosion; the write-up's went from 0.0233
to 0.3627 in one epoch and never came back."""
CLIP_NORM: Final = 1.0
"""No step's gradient is longer than this. Seen without: at the sixth epoch of 21,000 simulated rows
the loss went from 0.005 to 0.05, as the write-up's did at its eighth."""
LOOK_EVERY: Final = 50
"""Steps after which the running loss is looked at."""

Batches = Iterable[tuple[npt.NDArray[np.uint8], npt.NDArray[np.float32]]]
Values = npt.NDArray[np.float32]


class Learner:
    """A compiled network that trains an epoch at a time and can be saved whole.

    Args:
        model: the compiled network, with its optimizer's state.
        best_loss: the lowest training loss of an epoch so far.
    """

    def __init__(self, model: keras.Model, best_loss: float = math.inf) -> None:
        self.model = model
        self._best_loss = best_loss

    @classmethod
    def start(cls, network: keras.Model, learning_rate: float) -> Self:
        """Compile an untrained network with Adam on the mean squared error."""
        adam = keras.optimizers.Adam(learning_rate, global_clipnorm=CLIP_NORM)
        network.compile(optimizer=adam, loss="mse")
        return cls(network)

    @classmethod
    def load(cls, path: Path, best_loss: float) -> Self:
        """Go on from what `save` wrote, optimizer and dropout state included."""
        return cls(keras.models.load_model(path), best_loss)

    def train(self, batches: Batches, on_step: Callable[[int, float], None]) -> float:
        """Take a step a batch; return the mean loss of the epoch.

        `on_step` is told how many samples the epoch has seen, and their mean loss.

        Raises:
            TrainingError: the loss is no number any more, or explodes.
        """
        total, count = 0.0, 0
        recent: list[float] = []
        for frames, labels in batches:
            logs = self.model.train_on_batch(frames, labels[:, None], return_dict=True)
            step_loss = float(logs["loss"])  # of this batch alone
            if not math.isfinite(step_loss):
                raise _lost("the loss is no number any more", step_loss)
            total, count = total + step_loss * len(labels), count + len(labels)
            recent.append(step_loss)
            on_step(count, total / count)
            if len(recent) == LOOK_EVERY:
                self._look(sum(recent) / LOOK_EVERY)
                recent.clear()
        loss = total / max(count, 1)
        self._look(loss)
        self._best_loss = min(self._best_loss, loss)
        return loss

    def _look(self, loss: float) -> None:
        if loss > EXPLOSION * self._best_loss:
            raise _lost(
                f"the loss exploded, to {EXPLOSION:g} times the best epoch's {self._best_loss:.4g}",
                f"{loss:.4g}",
            )

    def predict(self, batches: Batches) -> Values:
        """Return the network's answers to all frames, shape (n,)."""
        answers = [np.asarray(self.model.predict_on_batch(frames))[:, 0] for frames, _ in batches]
        return np.concatenate(answers).astype(np.float32)

    def save(self, path: Path) -> None:
        """Write everything that training needs to go on; `path` ends in .keras."""
        hidden = publish.temporary(path)
        try:
            self.model.save(hidden)
            publish.sync(hidden)
            publish.rename(hidden, path)
        finally:
            hidden.unlink(missing_ok=True)


def _lost(what: str, got: object) -> TrainingError:
    return TrainingError(
        what, got=got, remedy="Lower the learning rate, or look for wrong steering in the recording"
    )
