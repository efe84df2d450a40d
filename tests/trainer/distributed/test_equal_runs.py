"""Any number of workers trains the same network, also if one of them is lost.

The workers are real: processes that JAX connects with gloo, started here by hand, or by Ray Train.
Dropout and all variations are on, and the last batch of an epoch fills no piece.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from support.data import small_training
from support.services.worker_group import LocalWorkers

from contract.errors import TrainingError
from contract.settings import load
from contract.train_config import TrainConfig
from trainer.data import pipeline, shared_memory
from trainer.data.augmentation import variation
from trainer.distributed.ray_workers import RayWorkers
from trainer.distributed.receiver import Receiver, Workers
from trainer.settings import Settings
from trainer.training.epoch_state import EpochState
from trainer.training.run_state import TrainingState, Workspace

CONFIG = TrainConfig(
    epochs=2, batch=22, patience=9, validation_gap_s=0.2, brightness=0.2, shadow=0.3, blur=0.3
)
SAME_WEIGHTS = 1e-5
"""Their root mean square is about 0.04."""


class Curves:
    """Keeps nothing."""

    def epoch(self, epoch: int, metrics: Mapping[str, float], scores: Mapping[str, float]) -> None:
        """Log an epoch."""


@dataclass(frozen=True)
class Trained:
    """A finished training."""

    state: TrainingState
    file: Path
    """The network of the last epoch."""

    @property
    def weights(self) -> list[np.ndarray]:
        return small_training.weights_of(self.file)


@pytest.fixture(scope="module")
def volume(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_training.import_recording(tmp_path_factory.mktemp("volume"), 30)


@pytest.fixture(scope="module")
def environ(volume: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What a worker of one core needs; what was compiled once is kept."""
    return {
        "OMP_NUM_THREADS": "1",
        "JAX_COMPILATION_CACHE_DIR": str(tmp_path_factory.mktemp("compiled")),
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
        "XLA_FLAGS": "--xla_llvm_disable_expensive_passes=true",
        **os.environ,
        "LAPWING_DATA_DIR": str(volume),
    }


def train(
    folder: Path, volume: Path, workers: Workers, config: TrainConfig = CONFIG, each_s: float = 9e9
) -> Trained:
    """Train as the job does, without exporting the version."""
    plan, state = small_training.make_plan(volume, config, each_s)
    workspace = Workspace(folder / "models", "job-1")
    workspace.path.mkdir(parents=True)
    workers.train(plan, Receiver(workspace, state, lambda **_: None, Curves()))
    written = workspace.read()
    assert written == state
    return Trained(state, workspace.latest(state))


@pytest.fixture(scope="module")
def alone(
    volume: Path, environ: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Trained:
    folder = tmp_path_factory.mktemp("alone")
    return train(folder, volume, LocalWorkers(folder, 1, environ))


def assert_same(found: Trained, alone: Trained) -> None:
    """Assert that a training is that of one worker."""
    assert small_training.digests(found.state) == small_training.digests(alone.state)
    for ours, its in zip(found.state.history, alone.state.history, strict=True):
        assert ours["loss"] == pytest.approx(its["loss"], abs=1e-6)
        assert ours["validation_mse"] == pytest.approx(its["validation_mse"], abs=1e-4)
    assert found.state.best_epoch == alone.state.best_epoch
    for ours, its in zip(found.weights, alone.weights, strict=True):
        np.testing.assert_allclose(ours, its, rtol=0, atol=SAME_WEIGHTS)


def counted(found: Trained) -> list[int]:
    return [epoch["workers"] for epoch in found.state.history]


def test_one_worker_proves_the_order_of_the_seed(volume: Path, alone: Trained) -> None:
    """The digest is made anew of the samples' table, without a loader or a network."""
    plan, _ = small_training.make_plan(volume, CONFIG)
    table = plan.data.table
    assert len(table.train) % CONFIG.batch  # the last batch is ragged
    for epoch in alone.state.history:
        number = epoch["epoch"]
        order = np.random.default_rng([CONFIG.seed, number]).permutation(table.train)
        keys = variation.sample_keys(CONFIG.seed, number, order)
        records = shared_memory.make_records(table.samples, order, keys)
        labels = variation.draw(records, pipeline.augmentation(CONFIG)).label
        digest = b""
        for start in range(0, len(order), CONFIG.batch):
            part = slice(start, start + CONFIG.batch)
            content = digest + order[part].astype("<i8").tobytes() + labels[part].tobytes()
            digest = hashlib.sha256(content).digest()
        assert epoch["digest"] == digest.hex()


def test_the_driver_reads_with_tensorflow_what_workers_saved_with_jax(
    volume: Path, alone: Trained
) -> None:
    """Its network scores as theirs did, so the export publishes what was trained."""
    found = small_training.score_with_keras(volume, CONFIG, alone.file)
    assert found == pytest.approx(alone.state.history[-1]["validation_mse"], abs=1e-6)


def kill_in_the_second_epoch(
    processes: list[subprocess.Popen[bytes]], state: TrainingState
) -> None:
    reached = state.unfinished or EpochState(0)
    if len(processes) == 2 and reached.epoch == 2 and reached.batches >= 2:
        processes[0].kill()


@pytest.mark.soak
def test_two_workers_of_which_one_is_killed_train_what_one_trains(
    tmp_path: Path, volume: Path, environ: dict[str, str], alone: Trained
) -> None:
    """The first epoch is that of two; in the second one, rank 0 is killed and one goes on."""
    workers = LocalWorkers(
        tmp_path, 2, environ, next_workers=1, while_training=kill_in_the_second_epoch
    )
    found = train(tmp_path, volume, workers, each_s=0)
    assert workers.groups == [2, 1]
    assert counted(found) == [2, 1]
    assert_same(found, alone)


def test_workers_that_are_not_connected_refuse_to_train(
    tmp_path: Path, volume: Path, environ: dict[str, str]
) -> None:
    """Ray's JaxTrainer connects nothing on CPUs by itself; each would silently train alone."""
    workers = LocalWorkers(tmp_path, 2, environ, connected=False)
    with pytest.raises(TrainingError, match="are not connected with each other"):
        train(tmp_path, volume, workers)


@pytest.fixture(scope="module")
def ray_environ(environ: dict[str, str]) -> Iterator[dict[str, str]]:
    """The environment that Ray's processes inherit."""
    before = dict(os.environ)
    os.environ.update(environ)
    yield environ
    os.environ.clear()
    os.environ.update(before)


@pytest.mark.filterwarnings(
    "default::DeprecationWarning",
    "default::FutureWarning",
    "default::ResourceWarning",
    "default::pytest.PytestUnraisableExceptionWarning",
    "default::pytest.PytestUnhandledThreadExceptionWarning",
)  # of Ray itself
def test_two_workers_that_ray_starts_train_what_one_trains(
    tmp_path: Path, volume: Path, ray_environ: dict[str, str], alone: Trained
) -> None:
    settings = load(Settings, {"LAPWING_CLUSTER": "local", "LAPWING_DATA_DIR": str(volume)})
    found = train(tmp_path, volume, RayWorkers(settings, 2))
    assert counted(found) == [2, 2]
    assert_same(found, alone)


@pytest.mark.soak
@pytest.mark.parametrize("workers", [2, 3, 4])
@pytest.mark.parametrize(
    "options",
    [
        pytest.param({}, id="plain"),
        pytest.param({"averaging_epochs": 0.5}, id="averaged"),
        pytest.param({"learning_rate_schedule": "cosine"}, id="cosine"),
        pytest.param({"learn_speed": True, "network": "wide"}, id="speed"),
        pytest.param({"device": "1"}, id="on-the-device"),
    ],
)
def test_any_number_of_workers_trains_the_same(
    tmp_path: Path,
    volume: Path,
    environ: dict[str, str],
    workers: int,
    options: dict[str, object],
) -> None:
    environ = {**environ, "TESTS_VARY_ON_DEVICE": str(options.get("device", ""))}
    chosen = {name: value for name, value in options.items() if name != "device"}
    config = TrainConfig(**{**vars(CONFIG), **chosen})
    runs = []
    for count in (1, workers):
        folder = tmp_path / str(count)
        folder.mkdir()
        runs.append(train(folder, volume, LocalWorkers(folder, count, environ), config))
    assert_same(runs[1], runs[0])
