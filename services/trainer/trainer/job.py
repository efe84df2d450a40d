"""The training job: stores in, a published version out; picks up where a killed process stopped."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import keras
import numpy as np
import numpy.typing as npt

from contract import jobs, store
from contract.registry import H5, TFLITE, ModelManifest, Registry
from contract.settings import load
from contract.store import StoreManifest
from trainer import config as configuration
from trainer import devices, index, network, release, score, twin
from trainer.config import Config
from trainer.index import Table
from trainer.learner import Learner
from trainer.progress import Progress
from trainer.settings import Settings
from trainer.split import split, stretches
from trainer.stream import Stream
from trainer.workspace import State, Workspace

log = logging.getLogger(__name__)

Frames = npt.NDArray[np.uint8]
Labels = npt.NDArray[np.float32]

PARITY_FRAMES: Final = 256
"""Validation frames on which the LiteRT twin is compared with the network."""


def run(datasets: list[str] | None = None, **options: object) -> dict[str, Any]:
    """Train on the named datasets, all of them by default; RQ calls this in a process of its own.

    Returns what `lapwing train` shows: the version, its metrics and hashes.

    Raises:
        LapwingError: the data, an option or the training itself is at fault.
    """
    logging.getLogger("absl").setLevel(logging.ERROR)  # Keras warns of HDF5, which we promise
    job_id, report = jobs.current_job()
    settings = load(Settings, os.environ)
    return train(settings, job_id, report, datasets or [], configuration.of_arguments(options))


def train(
    settings: Settings, job_id: str, report: jobs.Report, datasets: list[str], config: Config
) -> dict[str, Any]:
    """Do the work of `run` for the job `job_id`."""
    registry, workspace = Registry(settings.model_dir), Workspace(settings.model_dir, job_id)
    with workspace.hold():
        published = registry.of_job(job_id)
        if published is None:
            published = _train(settings, job_id, report, datasets, config, workspace)
        workspace.discard()
    return release.summary(published)


@dataclass(frozen=True)
class Training:
    """One training: what it was asked for, and what it works with."""

    config: Config
    table: Table
    held: npt.NDArray[np.float32]
    """The driver's previous steering, of each validation row."""
    stream: Stream
    workspace: Workspace
    state: State

    def batches(self, numbers: npt.NDArray[np.int64]) -> Iterator[tuple[Frames, Labels]]:
        """Yield the samples of these numbers, in this order, a batch at a time."""
        size = self.config.batch
        asked = (numbers[start : start + size] for start in range(0, len(numbers), size))
        for _, frames, labels in self.stream.batches(asked):
            yield frames, labels

    def validate(self, learner: Learner) -> tuple[Labels, dict[str, float]]:
        """Return a network's answers to the validation frames, and their score."""
        predicted = learner.predict(self.batches(self.table.validation))
        label = self.table.samples["label"][self.table.validation]
        return predicted, score.score(predicted, label, self.held)


def _train(
    settings: Settings,
    job_id: str,
    report: jobs.Report,
    datasets: list[str],
    config: Config,
    workspace: Workspace,
) -> ModelManifest:
    state = workspace.read() or State(
        [manifest.dataset for manifest in store.select(settings.data_dir, datasets)]
    )
    manifests = store.select(settings.data_dir, state.datasets)
    release.frame_spec(manifests)  # refuses a mixture before hours are spent on it
    report(phase="verify", datasets=state.datasets)
    table, held = _samples(settings, manifests, config)
    log.info("%d training samples, %d validation rows", len(table.train), len(table.validation))
    with Stream(
        settings.data_dir,
        manifests,
        table.samples,
        readers=settings.readers,
        queue_bytes=settings.queue_mib << 20,
    ) as stream:
        training = Training(config, table, held, stream, workspace, state)
        _epochs(training, report)
        report(phase="publish")
        staged, metrics = _stage(training)
    manifest = release.compose(
        job_id, settings.data_dir, manifests, asdict(config), state.history, metrics
    )
    return Registry(settings.model_dir).publish(staged, manifest)


def _samples(
    settings: Settings, manifests: list[StoreManifest], config: Config
) -> tuple[Table, Labels]:
    """Verify the stores, split their rows, and only then expand them."""
    recordings = []
    for manifest in manifests:
        with store.open_store(settings.data_dir, manifest) as reader:
            reader.verify()
            recordings.append(reader.rows)
    parts = split(recordings, config.split, config.validation_share, config.gap_s, config.seed)
    driving = [stretches(rows) for rows in recordings]
    expanded = index.training(
        recordings,
        parts.train,
        driving,
        cameras=store.CAMERAS if config.cameras else store.CAMERAS[:1],
        correction=config.correction,
        flip=config.flip,
        history=config.history,
    )
    seen = index.plain(recordings, parts.train)
    validation = index.plain(recordings, parts.validation)
    held = [
        score.held_steering(rows["steering"], stretch)[mask]
        for rows, stretch, mask in zip(recordings, driving, parts.validation, strict=True)
    ]
    return index.tabulate(expanded, seen, validation), np.concatenate(held)


def _epochs(training: Training, report: jobs.Report) -> None:
    """Train until the last epoch, or until validation has not improved for `patience` of them."""
    config, state, workspace = training.config, training.state, training.workspace
    keras.utils.set_random_seed(config.seed + state.epoch)
    policy = devices.prepare()
    if state.epoch:
        log.info("resumed after epoch %d", state.epoch)
        best_loss = min(each["loss"] for each in state.history)
        learner = Learner.load(workspace.network(state.epoch), best_loss)
    else:
        learner = Learner.start(network.build(policy), config.learning_rate)
    progress = Progress(report, config.epochs, len(training.table.train), config.batch)
    while state.epoch < config.epochs and state.epoch - state.best_epoch < config.patience:
        epoch = state.epoch + 1
        progress.begin(epoch)
        order = index.permutation(len(training.table.train), config.seed, epoch)
        loss = learner.train(training.batches(order), progress.step)
        mse = training.validate(learner)[1]["mse"]
        if mse < min((each["validation_mse"] for each in state.history), default=np.inf):
            state.best_epoch = epoch
        rate = progress.samples_per_s
        state.history.append(
            {"epoch": epoch, "loss": loss, "validation_mse": mse, "samples_per_s": rate}
        )
        learner.save(workspace.network(epoch))
        workspace.write(state)
        report(validation_mse=round(mse, 6), best_epoch=state.best_epoch)
        log.info(
            "epoch %d/%d: loss %.5f, validation MSE %.5f (best: epoch %d), %.0f samples/s",
            *(epoch, config.epochs, loss, mse, state.best_epoch, rate),
        )


def _stage(training: Training) -> tuple[Path, dict[str, float]]:
    """Write the best epoch's network and its twin; return their folder and the metrics."""
    state, table = training.state, training.table
    best = Learner.load(training.workspace.network(state.best_epoch), np.inf)
    plain = network.build("float32")  # whatever precision it was trained in
    plain.set_weights(best.model.get_weights())
    learner = Learner(plain)
    staged = training.workspace.stage()
    plain.save(staged / H5)
    twin.convert(staged / H5, staged / TFLITE)
    predicted, scores = training.validate(learner)
    every = -(-len(predicted) // PARITY_FRAMES)
    frames = np.concatenate([part for part, _ in training.batches(table.validation[::every])])
    difference = twin.compare(predicted[::every], twin.answers(staged / TFLITE, frames))
    seen = learner.predict(training.batches(table.seen)) - table.samples["label"][table.seen]
    return staged, {
        "train_samples": float(len(table.train)),
        "train_rows": float(len(table.seen)),
        "train_mse": float(np.mean(seen.astype(np.float64) ** 2)),
        **{f"validation_{name}": value for name, value in scores.items()},
        "epochs": float(state.epoch),
        "best_epoch": float(state.best_epoch),
        "twin_difference": difference,
    }
