"""The training job: stores in, a published version out; picks up where a killed process stopped."""

from __future__ import annotations

import contextlib
import logging
import os
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from contract import steering_metrics, train_config
from contract.dataset import split_file, store
from contract.dataset.split_file import DatasetSplit, SplitFile
from contract.dataset.store import StoreManifest, StoreReader
from contract.dataset.timeline import row_segments
from contract.errors import StoreError
from contract.jobs import queue
from contract.models import golden
from contract.models.registry import H5, TFLITE, ModelManifest, Registry
from contract.settings import load
from contract.train_config import TrainConfig
from contract.vehicle import CAMERA_NAMES
from trainer import gate, material
from trainer.data import prefetch, sampler, storage_probe
from trainer.data import samples as index
from trainer.data import side_cameras as sides
from trainer.data.augmentation import Augmentation
from trainer.data.loader import Stream
from trainer.data.samples import Table
from trainer.data.split import Split, split
from trainer.export import layer_table, litert
from trainer.export import manifest as release
from trainer.settings import Settings
from trainer.training import devices, loop, pilotnet, progress
from trainer.training.learner import Learner
from trainer.training.loop import Training
from trainer.training.run_state import State, Workspace
from trainer.training.tensorboard import TrainingBoard

log = logging.getLogger(__name__)

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
    job_id, report = queue.current_job()
    settings = load(Settings, os.environ)
    result = train(settings, job_id, report, datasets or [], train_config.from_arguments(options))
    return {**result, "gate": gate.ask(Registry(settings.model_dir), result["version"])}


def train(
    settings: Settings, job_id: str, report: queue.Report, datasets: list[str], config: TrainConfig
) -> dict[str, Any]:
    """Do the work of `run` for the job `job_id`."""
    registry, workspace = Registry(settings.model_dir), Workspace(settings.model_dir, job_id)
    with workspace.hold():
        published = registry.published_by(job_id)
        if published is None:
            published = _train(settings, job_id, report, datasets, config, workspace)
        workspace.discard()
    verdict = progress.verdict(published.metrics.get("data_share", 0.0), settings.readers)
    return release.summary(published, verdict)


def _train(
    settings: Settings,
    job_id: str,
    report: queue.Report,
    datasets: list[str],
    config: TrainConfig,
    workspace: Workspace,
) -> ModelManifest:
    resumed = workspace.read()
    state = resumed or State(
        [manifest.dataset for manifest in store.select_manifests(settings.data_dir, datasets)]
    )
    with contextlib.ExitStack() as stack:
        report(phase="verify", datasets=state.datasets)
        if resumed is None:
            _quarantine(settings.data_dir, state)
        manifests = store.select_manifests(settings.data_dir, state.datasets)
        release.frame_spec(manifests)  # refuses a mixture before hours are spent on it
        readers = [
            stack.enter_context(store.open_store(settings.data_dir, manifest))
            for manifest in manifests
        ]
        table, held, parts = samples(readers, config)
        log.info("%d training samples, %d validation rows", len(table.train), len(table.validation))
        state.shuffle = state.shuffle or _shuffle(readers, manifests, config)
        workspace.write(state)
        machine = devices.prepare()
        places = [reader.layout for reader in readers]
        stream = stack.enter_context(
            Stream(
                places,
                batch=config.batch,
                readers=settings.readers,
                queue_bytes=settings.queue_mib << 20,
                augmentation=Augmentation(
                    config.brightness,
                    config.shadow,
                    config.blur,
                    config.shift_m,
                    config.turn_deg,
                    config.recovery_time_s,
                ),
                held=prefetch.HELD if machine.gpu else 1,
            )
        )
        stores = [reader.blocks for reader in readers]
        work = Training(
            config, machine, table, held, stores, stream, workspace, state, settings.checkpoint_s
        )
        with TrainingBoard(settings.model_dir, job_id, state.epoch, asdict(config)) as board:
            loop.run(work, report, board)
        log.info("%s", progress.verdict(_data_share(state), settings.readers))
        report(phase="publish")
        staged, metrics = _stage(work)
        split_file.write(
            staged / split_file.FILE, _sides(state.datasets, parts, config.validation_gap_s)
        )
    manifest = release.compose(
        job_id,
        settings.data_dir,
        manifests,
        asdict(config),
        state.history,
        metrics,
        state.quarantined,
    )
    return Registry(settings.model_dir).publish(staged, manifest)


def _quarantine(data_dir: Path, state: State) -> None:
    """Compare every block of every store with its checksum; leave damaged recordings out.

    Raises:
        StoreError: all are damaged; the message is that of the last.
    """
    for manifest in store.select_manifests(data_dir, state.datasets):
        try:
            with store.open_store(data_dir, manifest) as reader:
                reader.verify()
        except StoreError as error:
            state.datasets.remove(manifest.dataset)
            state.quarantined[manifest.dataset] = str(error)
            log.warning("not trained on: %s", error)
            if not state.datasets:
                raise


def samples(readers: list[StoreReader], config: TrainConfig) -> tuple[Table, Labels, Split]:
    """Split the rows of the stores, and only then expand them."""
    recordings = [reader.rows for reader in readers]
    parts = split(
        recordings, config.split, config.validation_share, config.validation_gap_s, config.seed
    )
    expanded = index.training(
        material.prepared(
            recordings,
            parts.train,
            smooth_s=config.label_smoothing_s,
            balance=config.max_bin_ratio,
            seed=config.seed,
        ),
        cameras=CAMERA_NAMES if config.cameras else CAMERA_NAMES[:1],
        labeller=sides.labeller(config.steering_correction, config.recovery_time_s),
        flip=config.flip,
        history=config.history,
    )
    seen = index.plain(recordings, parts.train)
    validation = index.plain(recordings, parts.validation)
    held = [
        steering_metrics.hold_last(rows["steering"], row_segments(rows))[mask]
        for rows, mask in zip(recordings, parts.validation, strict=True)
    ]
    return index.tabulate(expanded, seen, validation), np.concatenate(held), parts


def _sides(datasets: list[str], parts: Split, gap_s: float) -> SplitFile:
    """Return the split as the version keeps it."""
    sides = zip(datasets, parts.train, parts.validation, strict=True)
    return SplitFile(
        gap_s,
        {
            name: DatasetSplit(len(train), split_file.runs(train), split_file.runs(validation))
            for name, train, validation in sides
        },
    )


def _shuffle(
    readers: list[StoreReader], manifests: list[StoreManifest], config: TrainConfig
) -> str:
    """Choose how the epochs are shuffled, and say why."""
    if config.shuffle != "auto":
        return config.shuffle
    frames, free = sum(manifest.frames for manifest in manifests), storage_probe.free_bytes()
    rate = np.inf
    if sampler.exceeds(frames, free):
        rate = storage_probe.random_frames_per_s([reader.layout for reader in readers])
    how, why = sampler.choose(frames, free, rate)
    log.info("shuffle: %s (%s)", how, why)
    return how


def _data_share(state: State) -> float:
    return float(np.mean([each["data_share"] for each in state.history]))


def _stage(work: Training) -> tuple[Path, dict[str, float]]:
    """Write the best epoch's network and its twin; return their folder and the metrics."""
    state, table = work.state, work.table
    best = work.saved(work.workspace.network(state.best_epoch))
    plain = pilotnet.build("float32")  # whatever precision it was trained in
    plain.set_weights(best.model.get_weights())
    learner = Learner(plain)
    staged = work.workspace.stage()
    plain.save(staged / H5)
    layer_table.write(staged, plain)
    litert.convert(staged / H5, staged / TFLITE)
    predicted, scores = work.validate(learner)
    every = -(-len(predicted) // PARITY_FRAMES)
    chosen = work.plain(table.validation[::every])
    # Copied: a batch's frames are the ring's, and others' once its slot is used again.
    frames = np.concatenate([batch.frames.copy() for batch in chosen])
    difference = litert.compare(predicted[::every], litert.answers(staged / TFLITE, frames))
    golden.write(staged / golden.FILE, frames, predicted[::every])
    seen = learner.predict(work.plain(table.seen)) - table.samples["label"][table.seen]
    return staged, {
        "train_samples": float(len(table.train)),
        "train_rows": float(len(table.seen)),
        "train_mse": float(np.mean(seen.astype(np.float64) ** 2)),
        **{f"validation_{name}": value for name, value in steering_metrics.defined(scores).items()},
        "epochs": float(state.epoch),
        "best_epoch": float(state.best_epoch),
        "twin_difference": difference,
        "data_share": _data_share(state),
    }
