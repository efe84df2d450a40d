"""The training loop: epoch after epoch, saved so that a killed training loses at most a minute."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import keras
import numpy as np
import numpy.typing as npt

from contract import driver_speed, steering_metrics
from contract.jobs.queue import Report
from contract.policy.answer import SPEED_UNIT_MPH
from contract.train_config import LAST, TrainConfig
from trainer.data.batches import BatchSource
from trainer.data.pipeline import TrainingData
from trainer.training import learning_rate, network_builder, training_view
from trainer.training.devices import Devices
from trainer.training.engine import ALONE, StepEngine
from trainer.training.epoch_state import EpochState
from trainer.training.learner import Learner
from trainer.training.learning_rate import LearningRate
from trainer.training.precision import POLICIES
from trainer.training.progress import EpochLog, Progress
from trainer.training.run_state import TrainingState, Workspace

log = logging.getLogger(__name__)

Values = npt.NDArray[np.float32]
SPEED: Final = "speed_rmse_mph"


@dataclass(frozen=True, eq=False)
class TrainingLoop:
    """Trains the network of one job until the last epoch or until early stopping."""

    config: TrainConfig
    devices: Devices
    data: TrainingData
    batches: BatchSource
    workspace: Workspace
    state: TrainingState
    """How far the training came; it changes while the loop runs."""
    checkpoint_s: float
    """Seconds between two checkpoints within an epoch; 0 saves after every batch."""
    start_weights: Sequence[Values] | None = None
    """Weights that the training starts from, in Keras's order; None for random weights."""
    engine: StepEngine = ALONE
    """Computes the steps: in this process alone, or as one of several that run this same loop."""

    def run(self, report: Report, board: EpochLog) -> None:
        """Train until the last epoch, or until `patience` epochs brought no better validation.

        If the last epoch is published, each epoch counts as the best so far, and none is left out.
        """
        state = self.state
        learner = self._start_or_resume()
        samples = self.data.table.epoch_samples
        progress = Progress(report, self.config.epochs, samples, self.config.batch)
        while not self._finished:
            epoch = state.unfinished or EpochState(state.epoch + 1)
            self._train_epoch(learner, epoch, progress)
            learner.end_epoch(epoch.loss)
            rate, waited = progress.samples_per_s, progress.data_wait_fraction
            scores = self.validate(learner)[1]
            speed = {"validation_speed_rmse_mph": scores[SPEED]} if SPEED in scores else {}
            metrics = {
                "loss": epoch.loss,
                "validation_mse": scores["mse"],
                **speed,
                "samples_per_s": rate,
                "data_share": waited,
            }
            self._end_epoch(learner, epoch, metrics)
            board.epoch(epoch.epoch, metrics, scores)
            report(validation_mse=round(scores["mse"], 6), best_epoch=state.best_epoch)
            self._log_epoch(epoch, metrics)

    def validate(self, learner: Learner) -> tuple[Values, dict[str, float]]:
        """Return a network's output for the validation frames, (n, outputs), and its metrics.

        Where weights are averaged, it is the output of the averaged ones.
        """
        table = self.data.table
        with learner.averaged():
            predicted = learner.predict(self.batches.recorded(table.validation))
        label = table.samples["label"][table.validation]
        score = steering_metrics.score(predicted[:, 0], label, self.data.held_steering)
        scores = steering_metrics.defined(score)
        if table.speed is not None:
            told_mph, label_mph = SPEED_UNIT_MPH * predicted[:, 1], SPEED_UNIT_MPH * table.speed
            scores |= driver_speed.score_speed(told_mph, label_mph[table.validation])
        return predicted, self.engine.agree(scores)

    def load(self, path: Path, best_loss: float = math.inf) -> Learner:
        """Return the network that was saved at `path`, with its optimizer."""
        rate, averaging_steps = self._plan_steps()
        return Learner.load(
            path,
            self.build(),
            rate,
            best_loss,
            self.data.table.speed,
            averaging_steps=averaging_steps,
            engine=self.engine,
        )

    def build(self) -> keras.Model:
        """Return an untrained network that computes in the training's precision.

        It takes only the rows of frames that it looks at; see training_view.py.
        """
        return training_view.of(self.build_whole(POLICIES[self.state.precision]))

    def build_whole(self, dtype: str) -> keras.Sequential:
        """Return an untrained network as it is published, for whole frames."""
        config = self.config
        return network_builder.build(config.network, dtype, learn_speed=config.learn_speed)

    def _plan_steps(self) -> tuple[LearningRate, float]:
        """Return the learning rate, and the number of steps over which weights are averaged."""
        steps = -(-self.data.table.epoch_samples // self.config.batch)
        return learning_rate.plan(self.config, steps), self.config.averaging_epochs * steps

    @property
    def _finished(self) -> bool:
        state, config = self.state, self.config
        return state.epoch >= config.epochs or state.epoch - state.best_epoch >= config.patience

    def _start_or_resume(self) -> Learner:
        """Return the network as far as an earlier process trained it, or a new one."""
        state, config = self.state, self.config
        if not state.epoch and state.unfinished is None:
            keras.utils.set_random_seed(config.seed)
            network = self.build()
            if self.start_weights is not None:
                network.set_weights(self.start_weights)
            elif self.data.table.speed is not None:
                _start_at_mean(network, self.data.table.speed[self.data.table.train])
            rate, averaging_steps = self._plan_steps()
            return Learner.start(
                network,
                rate,
                self.data.table.speed,
                averaging_steps=averaging_steps,
                engine=self.engine,
            )
        within = f", {state.unfinished.batches} batches into the next" if state.unfinished else ""
        log.info("resumed after epoch %d%s", state.epoch, within)
        best_loss = min((epoch["loss"] for epoch in state.history), default=math.inf)
        return self.load(self.workspace.latest(state), best_loss)

    def _train_epoch(self, learner: Learner, epoch: EpochState, progress: Progress) -> None:
        """Train on the rest of an epoch, and save a checkpoint now and then."""
        progress.begin(epoch.epoch, epoch.samples)
        saved_s = time.monotonic()
        batches = self.batches.epoch(epoch.epoch, epoch.batches)
        for batch, loss in learner.train_steps(progress.waiting(batches)):
            epoch.add(batch.numbers, batch.labels, loss)
            progress.step(epoch.samples, epoch.loss)
            if time.monotonic() - saved_s >= self.checkpoint_s:
                self._save_checkpoint(learner, epoch)
                saved_s = time.monotonic()

    def _save_checkpoint(self, learner: Learner, epoch: EpochState) -> None:
        self.state.unfinished = epoch
        learner.save(self.workspace.latest(self.state))
        self.workspace.write(self.state)

    def _end_epoch(self, learner: Learner, epoch: EpochState, metrics: dict[str, float]) -> None:
        """Record a finished epoch in the state, and save its network."""
        state = self.state
        # A fine-tuning starts from weights that have learnt.
        first = 1 if self.start_weights is not None else self.config.min_epochs
        last = self.config.publish_epoch == LAST
        if last or state.is_best(metrics["validation_mse"], first):
            state.best_epoch = epoch.epoch
        done = {"epoch": epoch.epoch, **metrics, **self.engine.describe(), "digest": epoch.digest}
        state.history.append(done)
        state.unfinished = None
        learner.save(self.workspace.network(epoch.epoch))
        self.workspace.write(state)

    def _log_epoch(self, epoch: EpochState, metrics: dict[str, float]) -> None:
        log.info(
            "epoch %d/%d: loss %.5f, validation MSE %.5f (best: epoch %d), %.0f samples/s, "
            "%.1f %% of the time waiting for data, digest %.12s",
            epoch.epoch,
            self.config.epochs,
            epoch.loss,
            metrics["validation_mse"],
            self.state.best_epoch,
            metrics["samples_per_s"],
            100 * metrics["data_share"],
            epoch.digest,
        )


def _start_at_mean(network: keras.Model, speed: Values) -> None:
    """Let an untrained network tell the mean speed, instead of 0.

    Otherwise the first steps of all layers would go into an offset whose square is ten times as
    large as the errors that matter.
    """
    bias = network.layers[-1].bias
    bias.assign(np.array([0.0, np.nanmean(speed)], np.float32))
