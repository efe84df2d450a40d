"""The training job: stores go in, a published version comes out; a killed job resumes.

It starts from random weights, or goes on from a published version: see fine_tuning.py.
"""

from __future__ import annotations

import contextlib
import dataclasses
import logging
import os
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from contract import train_config, training_plan
from contract.dataset import (
    exclusions,
    split_file,
    store,
    store_catalog,
    trained_rows,
    unfit_rows,
)
from contract.dataset.split_file import DatasetSplit, SplitFile
from contract.dataset.store import StoreReader
from contract.dataset.store_catalog import StoreManifest
from contract.dataset.trained_rows import TrainedRows
from contract.errors import StoreError
from contract.files import disk_space
from contract.jobs import queue
from contract.models.registry import ModelManifest, Registry
from contract.settings import load
from contract.storage import stores as object_stores
from contract.train_config import TrainConfig
from trainer.data import dataset_rows, frame_source, pipeline, reader_count
from trainer.data.batches import BatchSource
from trainer.data.dataset_rows import DatasetRows
from trainer.data.device import free_memory
from trainer.data.pipeline import TrainingData
from trainer.distributed.rank_plan import RankPlan
from trainer.distributed.ray_workers import RayWorkers
from trainer.distributed.receiver import Receiver, Workers
from trainer.export.best_epoch import data_share, export_best_epoch
from trainer.export.manifest import (
    data_entry,
    job_result,
    trained_manifest,
)
from trainer.jobs import fine_tuning
from trainer.jobs.disk_need import training_bytes
from trainer.jobs.fine_tuning import Parent
from trainer.jobs.gate import enqueue_gate
from trainer.settings import Settings
from trainer.training import devices, network_builder, precision, training_view
from trainer.training.devices import Devices
from trainer.training.loop import TrainingLoop
from trainer.training.progress import bottleneck
from trainer.training.run_state import RULES, TrainingState, Workspace
from trainer.training.tensorboard import TensorBoardLogger

log = logging.getLogger(__name__)

Mask = npt.NDArray[np.bool_]


def run(
    datasets: list[str] | None = None,
    parent: int | None = None,
    workers: int | None = None,
    **options: object,
) -> dict[str, Any]:
    """Train on the named datasets; RQ calls this in a process of its own.

    Args:
        datasets: names of datasets or recordings; without any, a training from random weights takes
            all, and a fine-tuning those that trained neither the parent nor its ancestors.
        parent: number of the version whose weights the training starts from; None starts from
            random weights.
        workers: maximum number of workers of the cluster that train together; None trains in this
            process. It is none of the options: the result is the same with any number.
        options: the fields of `TrainConfig`.

    Returns:
        What `lapwing train` shows: the version, its metrics and its hashes.

    Raises:
        LapwingError: the data or an option is wrong, or the training failed.
    """
    logging.getLogger("absl").setLevel(logging.ERROR)  # Keras warns of HDF5, which we promise
    job_id, report = queue.current_job()
    settings = load(Settings, os.environ)
    config = train_config.from_arguments(options)
    team = None if workers is None else RayWorkers(settings, workers)
    result = train(settings, job_id, report, datasets or [], config, parent, workers=team)
    return {**result, "gate": enqueue_gate(Registry(settings.model_dir), result["version"])}


def train(
    settings: Settings,
    job_id: str,
    report: queue.Report,
    datasets: list[str],
    config: TrainConfig,
    parent: int | None = None,
    machine: Devices | None = None,
    workers: Workers | None = None,
) -> dict[str, Any]:
    """Train for the job `job_id` and publish the version, unless an earlier run published it.

    The arguments are those of `run`, with the workers of a cluster instead of their number. By
    default, `machine` is this machine with its GPUs.
    """
    registry, workspace = Registry(settings.model_dir), Workspace(settings.model_dir, job_id)
    machine = machine or devices.configure()
    settings = _choose_readers(settings, config, machine)
    with (
        disk_space.writing(settings.model_dir, "the training", training_bytes(config)),
        workspace.lock(),
    ):
        manifest = registry.published_by(job_id)
        if manifest is None:
            manifest = _train_and_publish(
                settings, job_id, report, datasets, config, workspace, parent, machine, workers
            )
        workspace.discard()
    waited = manifest.metrics.get("data_share", 0.0)
    return job_result(manifest, bottleneck(waited, None if machine.gpu else settings.readers))


def _train_and_publish(
    settings: Settings,
    job_id: str,
    report: queue.Report,
    datasets: list[str],
    config: TrainConfig,
    workspace: Workspace,
    parent_version: int | None,
    machine: Devices,
    workers: Workers | None,
) -> ModelManifest:
    registry = Registry(settings.model_dir)
    object_stores.pull(settings.data_dir)  # what other machines have imported
    parent = None
    if parent_version is not None:
        parent = fine_tuning.take(registry, workspace, parent_version, config)
    with contextlib.ExitStack() as stack:
        state = _start_or_resume(settings, report, datasets, config, workspace, parent)
        if state.rules < RULES:
            config = dataclasses.replace(config, leave_out_unfit=False)
        if workers is None:
            machine.log()
            precision.keep(state, config.precision, machine)
        manifests = store_catalog.select_manifests(settings.data_dir, state.datasets)
        training_plan.check_frames(manifests, None if parent is None else parent.version)
        stores = store.open_stores(settings.data_dir, manifests)
        for reader in stores:
            stack.callback(reader.close)
        never_validate: list[Mask] = []
        if parent is not None:
            never_validate = [
                fine_tuning.trained_by(
                    parent.trained, data_entry(settings.data_dir, manifest), reader.row_ids
                )
                for manifest, reader in zip(manifests, stores, strict=True)
            ]
        excluded = [
            exclusions.read(settings.data_dir, dataset).at(state.exclusions.get(dataset, 0))
            for dataset in state.datasets
        ]
        rows = dataset_rows.read(stores, excluded)
        data = _prepare_data(stores, rows, config, state, workspace, never_validate)
        options = asdict(config) | ({} if parent is None else {"parent": parent_version})
        with TensorBoardLogger(settings.model_dir, job_id, state.epoch, options) as board:
            if workers is not None:
                plan = _plan_ranks(settings, job_id, config, manifests, data, parent)
                workers.train(plan, Receiver(workspace, state, report, board))
            loop = _build_loop(
                settings, config, stores, data, state, workspace, parent, machine, stack
            )
            if workers is None:
                loop.run(report, board)
        log.info("%s", bottleneck(data_share(state), None if machine.gpu else settings.readers))
        report(phase="publish")
        staging_dir, metrics = export_best_epoch(loop)
        split = _split_file(state, data, config)
        own_rows = _trained_rows(stores, data)
        identities = own_rows if parent is None else parent.extend_identities(own_rows)
        if parent is not None:
            split = parent.extend_split(split, never_validate)
        split_file.write(staging_dir / split_file.FILE, split)
        if identities is not None:
            trained_rows.write(staging_dir / trained_rows.FILE, identities)
    manifest = trained_manifest(
        job_id,
        settings.data_dir,
        manifests,
        asdict(config),
        state.history,
        metrics,
        state.quarantined,
        excluded,
        {"computed": state.precision, "reason": state.precision_reason},
        state.unfit,
    )
    if parent is not None:
        manifest = parent.describe_child(manifest)
    return registry.publish(staging_dir, manifest)


def _choose_readers(settings: Settings, config: TrainConfig, machine: Devices) -> Settings:
    """Return the settings with the number of readers, and log how it was chosen."""
    readers, reason = settings.readers, "LAPWING_READERS says so"
    if not readers:
        readers, reason = reader_count.choose(
            reader_count.usable_cores(),
            gpu=machine.gpu,
            varied=pipeline.augmentation(config).is_active and not machine.gpu,
        )
    log.info("readers: %d (%s)", readers, reason)
    return dataclasses.replace(settings, readers=readers)


def _start_or_resume(
    settings: Settings,
    report: queue.Report,
    datasets: list[str],
    config: TrainConfig,
    workspace: Workspace,
    parent: Parent | None,
) -> TrainingState:
    """Return the state of an earlier run, or a new one with the datasets that are undamaged."""
    resumed = workspace.read()
    if resumed is not None:
        report(phase="verify", datasets=resumed.datasets)
        return resumed
    selection = training_plan.select_datasets(
        settings.data_dir, datasets, config, None if parent is None else parent.version
    )
    for reason in selection.unreadable.values():
        log.warning("not trained on: %s", reason)
    manifests = selection.manifests
    state = TrainingState(
        [manifest.dataset for manifest in manifests],
        quarantined=dict(selection.unreadable),
        rules=RULES,
    )
    report(phase="verify", datasets=state.datasets)
    _quarantine(settings.data_dir, manifests, state)
    for dataset in state.datasets:
        excluded = exclusions.read(settings.data_dir, dataset)
        state.exclusions[dataset] = excluded.version
        if excluded.lines:
            log.info("%s: the excluded rows are left out, version %d", dataset, excluded.version)
    return state


def _quarantine(data_dir: Path, manifests: Sequence[StoreManifest], state: TrainingState) -> None:
    """Compare every block of every store with its checksum, and leave out damaged recordings.

    Raises:
        StoreError: all recordings are damaged; the message is that of the last one.
    """
    for manifest in manifests:
        try:
            store.verify_store(data_dir, manifest)
        except StoreError as error:
            state.datasets.remove(manifest.dataset)
            state.quarantined[manifest.dataset] = str(error)
            log.warning("not trained on: %s", error)
            if not state.datasets:
                raise


def _prepare_data(
    stores: Sequence[StoreReader],
    datasets: Sequence[DatasetRows],
    config: TrainConfig,
    state: TrainingState,
    workspace: Workspace,
    never_validate: Sequence[Mask],
) -> TrainingData:
    """Prepare the samples, choose the shuffle when the job first runs, and save the state."""
    data = pipeline.prepare(datasets, config, never_validate, keep_bends=state.rules >= RULES)
    train_count, validation_count = len(data.table.train), len(data.table.validation)
    log.info("%d training samples, %d validation rows", train_count, validation_count)
    _tell_unfit(data, state)
    state.shuffle = state.shuffle or pipeline.choose_shuffle(
        [reader.layout for reader in stores], config
    )
    workspace.write(state)
    return data


def _tell_unfit(data: TrainingData, state: TrainingState) -> None:
    """Note in the state, and log, how many rows of each dataset are left out as unfit, and why."""
    for dataset, counts, train in zip(state.datasets, data.unfit, data.split.train, strict=True):
        if not counts:
            continue
        state.unfit[dataset] = counts
        log.log(
            logging.INFO if train.any() else logging.WARNING,
            "%s: %s are unfit to learn from and left out, and %d train",
            dataset,
            unfit_rows.describe(counts),
            int(train.sum()),
        )


def _build_loop(
    settings: Settings,
    config: TrainConfig,
    stores: Sequence[StoreReader],
    data: TrainingData,
    state: TrainingState,
    workspace: Workspace,
    parent: Parent | None,
    machine: Devices,
    stack: contextlib.ExitStack,
) -> TrainingLoop:
    """Open the frames, which the stack closes, and return the training loop."""
    frames = stack.enter_context(
        frame_source.open_frames(
            stores,
            pipeline.augmentation(config),
            batch=config.batch,
            readers=settings.readers,
            queue_bytes=settings.queue_mib << 20,
            rows=training_view.visible_rows(network_builder.build(config.network)),
            device_free_bytes=free_memory.free_bytes() if machine.gpu else None,
        )
    )
    blocks = [reader.blocks for reader in stores]
    batches = BatchSource(data.table, frames, blocks, config.batch, state.shuffle, config.seed)
    weights = None if parent is None else parent.weights
    return TrainingLoop(
        config, machine, data, batches, workspace, state, settings.checkpoint_s, weights
    )


def _plan_ranks(
    settings: Settings,
    job_id: str,
    config: TrainConfig,
    manifests: Sequence[StoreManifest],
    data: TrainingData,
    parent: Parent | None,
) -> RankPlan:
    """Return what the workers of a cluster are told of a training."""
    entries = (data_entry(settings.data_dir, manifest) for manifest in manifests)
    return RankPlan(
        job_id,
        config,
        data,
        {str(entry["dataset"]): str(entry["manifest_sha256"]) for entry in entries},
        settings.checkpoint_s,
        None if parent is None else parent.weights,
    )


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
