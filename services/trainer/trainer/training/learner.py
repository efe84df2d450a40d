"""The learner: the network under training, step by step, with an eye on its loss."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final, Protocol, Self, TypeVar

import keras
import numpy as np
import numpy.typing as npt

from contract import atomic_files
from contract.errors import TrainingError
from trainer.training import weights_file

EXPLOSION: Final = 10.0
"""A running loss this many times the best epoch's is an explosion; the write-up's went from 0.0233
to 0.3627 in one epoch and never came back."""
CLIP_NORM: Final = 1.0
"""No step's gradient is longer than this."""
LOOK_EVERY: Final = 50
"""Steps after which the running loss is looked at."""

Values = npt.NDArray[np.float32]


class Batch(Protocol):
    """What a step takes."""

    @property
    def frames(self) -> object:
        """(n, 128, 128, 3) uint8, an array or a tensor of the backend."""

    @property
    def labels(self) -> Values:
        """(n,), steering."""


AnyBatch = TypeVar("AnyBatch", bound=Batch)


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
        """Compile an untrained network with AMSGrad on the mean squared error.

        Plain Adam forgets how large gradients were: once they are small for long, one unusual
        batch moves every weight by three learning rates, and the loss explodes. The write-up's did
        so in its eighth epoch, ours on 21,000 simulated rows in the fifth or sixth, clipped or
        not. AMSGrad (Reddi, Kale, Kumar 2018, arXiv 1904.09237) does not forget.
        """
        adam = keras.optimizers.Adam(learning_rate, amsgrad=True, global_clipnorm=CLIP_NORM)
        network.compile(optimizer=adam, loss="mse")
        return cls(network)

    @classmethod
    def load(cls, path: Path, network: keras.Model, learning_rate: float, best_loss: float) -> Self:
        """Go on from what `save` wrote, optimizer and dropout state included.

        The file holds numbers alone; the network is built by whoever calls.

        Raises:
            ModelError: the file is damaged, or was saved of another network.
        """
        learner = cls.start(network, learning_rate)
        weights_file.read(path, learner._variables())
        learner._best_loss = best_loss
        return learner

    def steps(self, batches: Iterable[AnyBatch]) -> Iterator[tuple[AnyBatch, float]]:
        """Take a step a batch; yield the batch and its mean loss after each.

        Raises:
            TrainingError: the loss is no number any more, or explodes.
        """
        recent: list[float] = []
        for batch in batches:
            logs = self.model.train_on_batch(batch.frames, batch.labels[:, None], return_dict=True)
            loss = float(logs["loss"])  # of this batch alone
            if not math.isfinite(loss):
                raise _lost("the loss is no number any more", loss)
            recent.append(loss)
            if len(recent) == LOOK_EVERY:
                self._look(sum(recent) / LOOK_EVERY)
                recent.clear()
            yield batch, loss

    def end_epoch(self, loss: float) -> None:
        """Take notice of an epoch's mean loss.

        Raises:
            TrainingError: it is an explosion.
        """
        self._look(loss)
        self._best_loss = min(self._best_loss, loss)

    def _look(self, loss: float) -> None:
        if loss > EXPLOSION * self._best_loss:
            raise _lost(
                f"the loss exploded, to {EXPLOSION:g} times the best epoch's {self._best_loss:.4g}",
                f"{loss:.4g}",
            )

    def predict(self, batches: Iterable[Batch]) -> Values:
        """Return the network's answers to all frames, shape (n,)."""
        answers = [np.asarray(self.model.predict_on_batch(each.frames))[:, 0] for each in batches]
        return np.concatenate(answers).astype(np.float32)

    def save(self, path: Path) -> None:
        """Write everything that training needs to go on."""
        hidden = atomic_files.temporary_path(path)
        try:
            weights_file.write(hidden, self._variables())
            atomic_files.fsync(hidden)
            atomic_files.rename(hidden, path)
        finally:
            hidden.unlink(missing_ok=True)

    def _variables(self) -> dict[str, list[Any]]:
        optimizer = self.model.optimizer
        if not optimizer.built:  # Keras does so with the first step
            optimizer.build(self.model.trainable_variables)
        passing = {id(each) for each in self.model.metrics_variables}
        lasting = [each for each in self.model.variables if id(each) not in passing]
        own = {id(each) for each in optimizer.variables}
        return {
            "network": [each for each in lasting if id(each) not in own],
            "optimizer": list(optimizer.variables),
        }


def _lost(what: str, got: object) -> TrainingError:
    return TrainingError(
        what, got=got, remedy="Lower the learning rate, or look for wrong steering in the recording"
    )
