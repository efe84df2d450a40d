"""The training job: stores go in, a published version comes out; a killed job resumes."""

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import numpy as np

from contract import steering_metrics, train_config
from contract.dataset import split_file, store, trained_rows
from contract.dataset.split_file import DatasetSplit, SplitFile
from contract.dataset.store import StoreManifest, StoreReader
from contract.dataset.trained_rows import TrainedRows
from contract.errors import StoreError
from contract.jobs import queue
from contract.models import golden
from contract.models.registry import H5, TFLITE, ModelManifest, Registry
from contract.policy.litert import LiteRT
from contract.settings import load
from contract.train_config import TrainConfig
from trainer.data import dataset_rows, pipeline, prefetch
from trainer.data.batches import BatchSource
from trainer.data.loader import DataLoader
from trainer.data.pipeline import TrainingData
from trainer.export import layer_table, litert
from trainer.export.manifest import common_frame_spec, job_result, trained_manifest
from trainer.jobs.gate import enqueue_gate
from trainer.settings import Settings
from trainer.training import devices, pilotnet
from trainer.training.learner import Learner
from trainer.training.loop import TrainingLoop
from trainer.training.progress import bottleneck
from trainer.training.run_state import TrainingState, Workspace
from trainer.training.tensorboard import TensorBoardLogger

log = logging.getLogger(__name__)

PARITY_FRAMES: Final = 256
"""Number of validation frames on which the LiteRT model is compared with the network."""


def run(datasets: list[str] | None = None, **options: object) -> dict[str, Any]:
    """Train on the named datasets, by default on all; RQ calls this in a process of its own.

    Returns:
        What `lapwing train` shows: the version, its metrics and its hashes.

    Raises:
        LapwingError: the data or an option is wrong, or the training failed.
    """
    logging.getLogger("absl").setLevel(logging.ERROR)  # Keras warns of HDF5, which we promise
    job_id, report = queue.current_job()
    settings = load(Settings, os.environ)
    config = train_config.from_arguments(options)
    result = train(settings, job_id, report, datasets or [], config)
    return {**result, "gate": enqueue_gate(Registry(settings.model_dir), result["version"])}


def train(
    settings: Settings, job_id: str, report: queue.Report, datasets: list[str], config: TrainConfig
) -> dict[str, Any]:
    """Train for the job `job_id` and publish the version, unless an earlier run published it."""
    registry, workspace = Registry(settings.model_dir), Workspace(settings.model_dir, job_id)
    with workspace.lock():
        manifest = registry.published_by(job_id)
        if manifest is None:
            manifest = _train_and_publish(settings, job_id, report, datasets, config, workspace)
        workspace.discard()
    data_share = manifest.metrics.get("data_share", 0.0)
    return job_result(manifest, bottleneck(data_share, settings.readers))


def _train_and_publish(
    settings: Settings,
    job_id: str,
    report: queue.Report,
    datasets: list[str],
    config: TrainConfig,
    workspace: Workspace,
) -> ModelManifest:
    with contextlib.ExitStack() as stack:
        state = _start_or_resume(settings, report, datasets, workspace)
        manifests = store.select_manifests(settings.data_dir, state.datasets)
        common_frame_spec(manifests)  # refuses mixed frames before hours of training
        stores = [stack.enter_context(store.open_store(settings.data_dir, m)) for m in manifests]
        data = _prepare_data(stores, config, state, workspace)
        loop = _build_loop(settings, config, stores, data, state, workspace, stack)
        with TensorBoardLogger(settings.model_dir, job_id, state.epoch, asdict(config)) as board:
            loop.run(report, board)
        log.info("%s", bottleneck(_data_share(state), settings.readers))
        report(phase="publish")
        staging_dir, metrics = _export(loop)
        split_file.write(staging_dir / split_file.FILE, _split_file(state, data, config))
        trained_rows.write(staging_dir / trained_rows.FILE, _trained_rows(stores, data))
    manifest = trained_manifest(
        job_id,
        settings.data_dir,
        manifests,
        asdict(config),
        state.history,
        metrics,
        state.quarantined,
    )
    return Registry(settings.model_dir).publish(staging_dir, manifest)


def _start_or_resume(
    settings: Settings, report: queue.Report, datasets: list[str], workspace: Workspace
) -> TrainingState:
    """Return the state of an earlier run, or a new one with the datasets that are undamaged."""
    resumed = workspace.read()
    if resumed is not None:
        report(phase="verify", datasets=resumed.datasets)
        return resumed
    manifests = store.select_manifests(settings.data_dir, datasets)
    state = TrainingState([manifest.dataset for manifest in manifests])
    report(phase="verify", datasets=state.datasets)
    _quarantine(settings.data_dir, manifests, state)
    return state


def _quarantine(data_dir: Path, manifests: Sequence[StoreManifest], state: TrainingState) -> None:
    """Compare every block of every store with its checksum, and leave out damaged recordings.

    Raises:
        StoreError: all recordings are damaged; the message is that of the last one.
    """
    for manifest in manifests:
        try:
            with store.open_store(data_dir, manifest) as reader:
                reader.verify()
        except StoreError as error:
            state.datasets.remove(manifest.dataset)
            state.quarantined[manifest.dataset] = str(error)
            log.warning("not trained on: %s", error)
            if not state.datasets:
                raise


def _prepare_data(
    stores: Sequence[StoreReader], config: TrainConfig, state: TrainingState, workspace: Workspace
) -> TrainingData:
    """Prepare the samples, choose the shuffle when the job first runs, and save the state."""
    data = pipeline.prepare(dataset_rows.read(stores), config)
    train_count, validation_count = len(data.table.train), len(data.table.validation)
    log.info("%d training samples, %d validation rows", train_count, validation_count)
    state.shuffle = state.shuffle or pipeline.choose_shuffle(
        [reader.layout for reader in stores], config
    )
    workspace.write(state)
    return data


def _build_loop(
    settings: Settings,
    config: TrainConfig,
    stores: Sequence[StoreReader],
    data: TrainingData,
    state: TrainingState,
    workspace: Workspace,
    stack: contextlib.ExitStack,
) -> TrainingLoop:
    """Start the readers, which end with the stack, and return the training loop."""
    machine = devices.configure()
    loader = stack.enter_context(
        DataLoader(
            [reader.layout for reader in stores],
            batch=config.batch,
            readers=settings.readers,
            queue_bytes=settings.queue_mib << 20,
            augmentation=pipeline.augmentation(config),
            max_in_use=prefetch.MAX_IN_USE if machine.gpu else 1,
        )
    )
    blocks = [reader.blocks for reader in stores]
    batches = BatchSource(data.table, loader, blocks, config.batch, state.shuffle, config.seed)
    return TrainingLoop(config, machine, data, batches, workspace, state, settings.checkpoint_s)


def _export(loop: TrainingLoop) -> tuple[Path, dict[str, float]]:
    """Write the best epoch's network and its LiteRT form; return their folder and the metrics."""
    state, table = loop.state, loop.data.table
    best = loop.load(loop.workspace.network(state.best_epoch))
    network = pilotnet.build("float32")  # whichever precision it was trained in
    network.set_weights(best.model.get_weights())
    learner = Learner(network)
    staging_dir = loop.workspace.staging_dir()
    network.save(staging_dir / H5)
    layer_table.write(staging_dir, network)
    litert.convert(staging_dir / H5, staging_dir / TFLITE)
    predicted, scores = loop.validate(learner)
    step = -(-len(predicted) // PARITY_FRAMES)
    parity_batches = loop.batches.recorded(table.validation[::step])
    # The frames are copied: a batch's memory is used again for a later batch.
    frames = np.concatenate([batch.frames.copy() for batch in parity_batches])
    twin_difference = litert.check_parity(predicted[::step], LiteRT(staging_dir).predict(frames))
    golden.write(staging_dir / golden.FILE, frames, predicted[::step])
    train_errors = (
        learner.predict(loop.batches.recorded(table.train_centre))
        - table.samples["label"][table.train_centre]
    )
    return staging_dir, {
        "train_samples": float(len(table.train)),
        "train_rows": float(len(table.train_centre)),
        "train_mse": float(np.mean(train_errors.astype(np.float64) ** 2)),
        **{f"validation_{name}": value for name, value in steering_metrics.defined(scores).items()},
        "epochs": float(state.epoch),
        "best_epoch": float(state.best_epoch),
        "twin_difference": twin_difference,
        "data_share": _data_share(state),
    }


def _split_file(state: TrainingState, data: TrainingData, config: TrainConfig) -> SplitFile:
    """Return the split in the form that the version keeps."""
    masks = zip(state.datasets, data.split.train, data.split.validation, strict=True)
    return SplitFile(
        config.validation_gap_s,
        {
            name: DatasetSplit(len(train), split_file.runs(train), split_file.runs(validation))
            for name, train, validation in masks
        },
    )


def _trained_rows(stores: Sequence[StoreReader], data: TrainingData) -> TrainedRows:
    """Return the identities of all rows by their use, so that they are known in any recording."""
    masks = list(zip(data.split.train, data.split.validation, strict=True))
    uses = ([train, ~train & ~validation, validation] for train, validation in masks)
    return TrainedRows.of(
        *(
            np.concatenate([reader.row_ids[mask] for reader, mask in zip(stores, use, strict=True)])
            for use in zip(*uses, strict=True)
        )
    )


def _data_share(state: TrainingState) -> float:
    """Return the share of the time that the training waited for data."""
    return float(np.mean([epoch["data_share"] for epoch in state.history]))
