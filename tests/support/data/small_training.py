"""Makes the plan of a small training as its driver does, without Keras."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

import numpy as np

from contract.dataset import exclusions, store, store_catalog
from contract.files import atomic_files
from contract.settings import load
from contract.train_config import TrainConfig
from ingest.job import import_source
from ingest.settings import Settings as IngestSettings
from support.data import samples
from trainer.data import dataset_rows, pipeline
from trainer.distributed.rank_plan import RankPlan
from trainer.training.run_state import RULES, TrainingState


def import_recording(folder: Path, rows: int) -> Path:
    """Import a recording, and return the data volume."""
    source = samples.recording(folder / "run", rows=rows)
    data_dir = folder / "data"
    settings = load(IngestSettings, {"LAPWING_DATA_DIR": str(data_dir)})
    import_source(settings, source, None, 0.0, lambda **_: None)
    return data_dir


def make_plan(
    data_dir: Path, config: TrainConfig, checkpoint_s: float = 3600.0
) -> tuple[RankPlan, TrainingState]:
    """Return a plan to train on all recordings of a data volume, and the state at its start."""
    manifests = store_catalog.select_manifests(data_dir, [])
    with ExitStack() as stack:
        stores = [stack.enter_context(store.open_store(data_dir, each)) for each in manifests]
        excluded = [exclusions.read(data_dir, each.dataset).at(0) for each in manifests]
        data = pipeline.prepare(dataset_rows.read(stores, excluded), config)
    names = [manifest.dataset for manifest in manifests]
    digests = {name: atomic_files.sha256(store_catalog.paths(data_dir, name)[1]) for name in names}
    plan = RankPlan("job-1", config, data, digests, checkpoint_s, None)
    return plan, TrainingState(names, shuffle="exact", rules=RULES)


def digests(state: TrainingState) -> list[str]:
    """Return the proofs of the finished epochs."""
    return [str(epoch["digest"]) for epoch in state.history]


def weights_of(path: Path) -> list[np.ndarray]:
    """Return the weights in a network's file, without the state of dropout."""
    import h5py

    with h5py.File(path) as file:
        arrays = [file[f"network/{n}"][:] for n in range(len(file["network"]))]
    return [array for array in arrays if array.dtype == np.float32]


def score_with_keras(data_dir: Path, config: TrainConfig, file: Path) -> float:
    """Return the validation MSE of a network that workers saved, with Keras's default backend."""
    from contract.frames import spec
    from trainer.training import network_builder, training_view
    from trainer.training.learner import Learner

    plan, state = make_plan(data_dir, config)
    table = plan.data.table
    samples_ = table.samples[table.validation]
    (manifest,) = store_catalog.select_manifests(data_dir, state.datasets)
    frames = np.empty((len(samples_), *spec.SHAPE), np.uint8)
    with store.open_store(data_dir, manifest) as reader:
        reader.blocks.gather(samples_["frame"], frames)
    network = network_builder.build(config.network, "float32")
    Learner.load(file, training_view.of(network), config.learning_rate, 1.0)
    answers = np.asarray(network.predict_on_batch(frames))[:, 0]
    return float(np.mean((answers - samples_["label"]) ** 2))
