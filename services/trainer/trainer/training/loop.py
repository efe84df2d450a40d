"""The epochs of a training: batch after batch, kept so that a kill costs at most a minute."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from contract import steering_metrics
from contract.dataset.frame_blocks import BlockReader
from contract.jobs.queue import Report
from contract.steering_metrics import Score
from contract.train_config import TrainConfig
from trainer.data import augmentation, sampler, shared_memory
from trainer.data.loader import Batch, Stream
from trainer.data.prefetch import prefetched
from trainer.data.sampler import Order
from trainer.data.samples import Table
from trainer.training import pilotnet
from trainer.training.devices import Devices
from trainer.training.epoch_state import Tally
from trainer.training.learner import Learner
from trainer.training.progress import Progress
from trainer.training.run_state import State, Workspace
from trainer.training.tensorboard import TrainingBoard

log = logging.getLogger(__name__)

Labels = npt.NDArray[np.float32]
Numbers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Training:
    """One training: what it was asked for, and what it works with."""

    config: TrainConfig
    devices: Devices
    table: Table
    held: Labels
    """The driver's previous steering, of each validation row."""
    stores: list[BlockReader]
    """The job's own handles, for reading ahead."""
    stream: Stream
    workspace: Workspace
    state: State
    checkpoint_s: float

    def plain(self, numbers: Numbers) -> Iterator[Batch]:
        """Yield samples as they were recorded, in the order of the numbers."""
        size = self.config.batch
        asked = (numbers[start : start + size] for start in range(0, len(numbers), size))
        return self.stream.batches(
            shared_memory.records(self.table.samples, each) for each in asked
        )

    def epoch(self, epoch: int, first: int) -> Iterator[Batch]:
        """Yield an epoch's batches, each sample varied by its own chance, from one on."""
        numbers, samples, config = self.table.train, self.table.samples, self.config
        if self.state.shuffle == "blocks":
            chosen = sampler.blocked(numbers, samples[numbers], config.seed, epoch)
        elif self.state.shuffle == "none":
            chosen = sampler.unshuffled(numbers, samples[numbers])
        else:
            chosen = sampler.exact(numbers, config.seed, epoch)
        return self.stream.batches(self._asked(chosen, epoch, first))

    def _asked(self, chosen: Order, epoch: int, first: int) -> Iterator[shared_memory.Records]:
        for numbers, begun in chosen.batches(self.config.batch, first):
            for window in begun:
                self._expect(chosen, window + 1)
            keys = augmentation.keys(self.config.seed, epoch, numbers)
            yield shared_memory.records(self.table.samples, numbers, keys)

    def _expect(self, chosen: Order, window: int) -> None:
        """Let the disk read the blocks of a window before it is asked for them."""
        if chosen.blocks is None or window >= len(chosen.blocks):
            return
        blocks = chosen.blocks[window]
        for number, store in enumerate(self.stores):
            store.readahead(blocks[blocks[:, 0] == number, 1])

    def validate(self, learner: Learner) -> tuple[Labels, Score]:
        """Return a network's answers to the validation frames, and their score."""
        predicted = learner.predict(self.plain(self.table.validation))
        label = self.table.samples["label"][self.table.validation]
        return predicted, steering_metrics.score(predicted, label, self.held)

    def learner(self) -> Learner:
        """Return the network as far as it came, or a new one."""
        state, config = self.state, self.config
        if not state.epoch and state.tally is None:
            keras.utils.set_random_seed(config.seed)
            return Learner.start(pilotnet.build(self.devices.policy), config.learning_rate)
        within = f", {state.tally.batches} batches into the next" if state.tally else ""
        log.info("resumed after epoch %d%s", state.epoch, within)
        best = min((each["loss"] for each in state.history), default=np.inf)
        return self.saved(self.workspace.latest(state), best)

    def saved(self, path: Path, best_loss: float = np.inf) -> Learner:
        """Return the network that was saved at `path`."""
        built = pilotnet.build(self.devices.policy)
        return Learner.load(path, built, self.config.learning_rate, best_loss)


def run(training: Training, report: Report, board: TrainingBoard) -> None:
    """Train until the last epoch, or until validation has not improved for `patience` of them."""
    config, state = training.config, training.state
    learner = training.learner()
    progress = Progress(report, config.epochs, len(training.table.train), config.batch)
    while state.epoch < config.epochs and state.epoch - state.best_epoch < config.patience:
        tally = state.tally or Tally(state.epoch + 1)
        _epoch(training, learner, tally, progress)
        learner.end_epoch(tally.loss)
        rate, waited = progress.samples_per_s, progress.data_share
        scores = training.validate(learner)[1]
        mse = scores["mse"]
        if mse < min((each["validation_mse"] for each in state.history), default=np.inf):
            state.best_epoch = tally.epoch
        told = {
            "loss": tally.loss,
            "validation_mse": mse,
            "samples_per_s": rate,
            "data_share": waited,
        }
        state.history.append({"epoch": tally.epoch, **told, "digest": tally.digest})
        state.tally = None
        learner.save(training.workspace.network(tally.epoch))
        training.workspace.write(state)
        board.epoch(tally.epoch, told, steering_metrics.defined(scores))
        report(validation_mse=round(mse, 6), best_epoch=state.best_epoch)
        log.info(
            "epoch %d/%d: loss %.5f, validation MSE %.5f (best: epoch %d), %.0f samples/s, "
            "%.1f %% waiting for data, proof %.12s",
            *(tally.epoch, config.epochs, tally.loss, mse, state.best_epoch, rate, 100 * waited),
            tally.digest,
        )


def _epoch(training: Training, learner: Learner, tally: Tally, progress: Progress) -> None:
    """Train on what is left of an epoch, and save the network now and then."""
    state, workspace = training.state, training.workspace
    progress.begin(tally.epoch, tally.samples)
    saved_s = time.monotonic()
    batches: Iterable[Any] = training.epoch(tally.epoch, tally.batches)
    if training.devices.gpu:
        batches = prefetched(batches)
    for batch, loss in learner.steps(progress.waiting(batches)):
        tally.add(batch.numbers, batch.labels, loss)
        progress.step(tally.samples, tally.loss)
        if time.monotonic() - saved_s >= training.checkpoint_s:
            state.tally = tally
            learner.save(workspace.latest(state))
            workspace.write(state)
            saved_s = time.monotonic()
