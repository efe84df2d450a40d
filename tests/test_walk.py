"""Follows one frame through training and through driving: the network gets the same bytes."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.data import models, samples
from support.services import serving
from support.services.driving import bridge
from support.waiting import await_true

from contract.dataset import store, store_catalog
from contract.models.registry import Registry
from contract.policy.litert import LiteRT
from contract.settings import load
from ingest.job import import_source
from ingest.settings import Settings
from simulator.unity.client import UnityClient
from simulator.unity.number_format import find_locale
from trainer.data import samples as index
from trainer.data import shared_memory
from trainer.data.loader import DataLoader
from trainer.training.learner import Learner


class Network:
    """Replaces the network in training, and keeps the frames that it gets."""

    def __init__(self) -> None:
        self.frames: list[np.ndarray] = []

    def train_on_batch(self, frames: np.ndarray, labels: np.ndarray, **_: Any) -> dict[str, float]:
        self.frames.extend(frames.copy())
        return {"loss": 0.0}


def training_frames(tmp_path: Path, run: Path) -> list[np.ndarray]:
    """Return the frames of a training: log → frame → store → data loader → learner."""
    settings = load(Settings, {"LAPWING_DATA_DIR": str(tmp_path / "data")})
    import_source(settings, run, None, 0.0, lambda **_: None)
    manifests = store_catalog.read_manifests(tmp_path / "data")
    with store.open_store(tmp_path / "data", manifests[0]) as reader:
        rows = reader.rows
        layout = reader.layout
    table = index.centre_frames([rows], [np.ones(len(rows), bool)])
    network = Network()
    asked = [shared_memory.make_records(table, np.arange(len(rows)))]
    with DataLoader([layout], batch=len(rows), readers=1, queue_bytes=1 << 20) as stream:
        for _ in Learner(network).train_steps(stream.batches(asked)):
            pass
    return network.frames


def driving_answers(tmp_path: Path, run: Path, network: Path) -> list[float]:
    """Return the steering of a drive: telemetry → bridge → inference → frame → policy, and back."""
    registry = Registry(tmp_path / "models")
    registry.root.mkdir()
    models.publish(registry, network, "walk")
    steerings = []
    with (
        serving.serving(serving.settings(registry.root)) as inference,
        bridge(str(inference.base_url)) as port,
        UnityClient(f"ws://127.0.0.1:{port}", find_locale("de-DE")) as client,
    ):
        await_true(lambda: inference.get("/readyz").status_code == 200)
        for picture in sorted((run / "IMG").glob("center_*.jpg")):
            client.send_telemetry(0.0, 0.0, 9.0, picture.read_bytes())
            command = client.command()
            assert command is not None
            steerings.append(command.steering)
    return steerings


def test_the_network_gets_the_same_frames_in_training_and_driving(
    tmp_path: Path, networks: Path
) -> None:
    """The answers stand for the bytes: a change of one row of pixels by one changes each answer."""
    run = samples.recording(tmp_path / "run", rows=6)
    frames = np.stack(training_frames(tmp_path, run))
    network = LiteRT(networks / "real")
    expected = network.predict(frames)[:, 0]
    changed = frames.copy()
    # One row of pixels changes by one: any other way of preparing frames would change more.
    changed[:, 64] ^= 1
    assert (np.abs(network.predict(changed)[:, 0] - expected) > 2e-6).all()
    answers = driving_answers(tmp_path, run, networks / "real")
    assert answers == pytest.approx(expected.tolist(), abs=1e-6)
