"""Runs the trainer's job without a queue, for other benchmarks.

python -m bench.training.job JOB_ID CONFIG

Nothing heavy is imported at the top, because spawned reader processes import this module again.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any


def run(job_id: str, datasets: list[str], config: dict[str, Any]) -> dict[str, Any]:
    """Train with the settings of the environment; return the result that `lapwing train` shows."""
    import logging

    from contract.settings import load
    from contract.train_config import from_arguments
    from trainer.jobs.train import train
    from trainer.settings import Settings

    logging.getLogger("absl").setLevel(logging.ERROR)
    settings = load(Settings, os.environ)
    return train(settings, job_id, lambda **_: None, datasets, from_arguments(config))


@contextlib.contextmanager
def training(
    data: Path, models: Path, job_id: str, config: dict[str, Any], kind: type[Any] | None = None
) -> Iterator[Any]:
    """Yield the job's training loop on all recordings of a data volume; it publishes nothing.

    Args:
        data: the data volume.
        models: the model volume.
        job_id: the job, whose workspace is locked meanwhile.
        config: the options of the job.
        kind: a subclass of `TrainingLoop` to take in its place.
    """
    from contract.dataset import store, store_catalog
    from contract.train_config import from_arguments
    from trainer.data import dataset_rows, pipeline
    from trainer.data.batches import BatchSource
    from trainer.data.loader import DataLoader
    from trainer.training import devices, network_builder, precision, training_view
    from trainer.training.loop import TrainingLoop
    from trainer.training.run_state import TrainingState, Workspace

    chosen, machine = from_arguments(config), devices.configure()
    manifests = store_catalog.select_manifests(data, [])
    workspace = Workspace(models, job_id)
    state = TrainingState([manifest.dataset for manifest in manifests], shuffle="exact")
    precision.keep(state, chosen.precision, machine)
    with contextlib.ExitStack() as stack:
        stack.enter_context(workspace.lock())
        readers = [stack.enter_context(store.open_store(data, each)) for each in manifests]
        prepared = pipeline.prepare(dataset_rows.read(readers), chosen)
        loader = stack.enter_context(
            DataLoader(
                [reader.layout for reader in readers],
                batch=chosen.batch,
                readers=1,
                queue_bytes=256 << 20,
                rows=training_view.visible_rows(network_builder.build()),
                augmentation=pipeline.augmentation(chosen),
            )
        )
        batches = BatchSource(
            prepared.table,
            loader,
            [reader.blocks for reader in readers],
            chosen.batch,
            state.shuffle,
            chosen.seed,
        )
        yield (kind or TrainingLoop)(chosen, machine, prepared, batches, workspace, state, 3600.0)


def steered(
    scratch: Path, recording: Path, config: dict[str, Any], beside: Sequence[Path] = ()
) -> tuple[Callable[[Any], float], dict[str, float]]:
    """Train as the job does, but publish nothing.

    Args:
        scratch: a folder; the recording is imported into it unless it is there already.
        recording: the recording to learn from.
        config: the options of the job.
        beside: other recordings to learn from, which are imported as well.

    Returns:
        A function that steers for a picture as the network that would be published, and the scores
        of that network.
    """
    import tensorflow as tf

    from contract.frames import preprocess
    from contract.settings import load
    from ingest.job import import_source
    from ingest.settings import Settings
    from trainer.training import network_builder
    from trainer.training.tensorboard import TensorBoardLogger

    data, models = scratch / "data", scratch / "models"
    settings = load(Settings, {"LAPWING_DATA_DIR": str(data)})
    for each in (recording, *beside):
        import_source(settings, each, each.name, 1.0, lambda **_: None)
    with training(data, models, "bench", config) as loop:
        with TensorBoardLogger(models, "bench", 0, dataclasses.asdict(loop.config)) as board:
            loop.run(lambda **_: None, board)
        best = loop.load(loop.workspace.network(loop.state.best_epoch))
        scores = loop.validate(best)[1]
        network = network_builder.build()
        with best.averaged():
            network.set_weights(best.model.get_weights())
        loop.workspace.discard()
    figures = {
        "train_samples": float(loop.data.table.epoch_samples),
        "epoch": float(loop.state.epoch),
        "best_epoch": float(loop.state.best_epoch),
        "validation_mse": scores["mse"],
    }
    call = tf.function(lambda frames: network(frames, training=False))
    return (
        lambda picture: float(call(tf.constant(preprocess.resize(picture)[None]))[0, 0]),
        figures,
    )


if __name__ == "__main__":
    print(json.dumps(run(sys.argv[1], [], json.loads(sys.argv[2]))))
