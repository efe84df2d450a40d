"""One frame walks through the whole house: the network sees the same bytes on both legs."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.data import models, samples
from support.services import serving
from support.services.driving import bridge

from contract.dataset import store
from contract.models.registry import Registry
from contract.policy.litert import LiteRT
from contract.settings import load
from ingest.job import import_source
from ingest.settings import Settings
from simulator.unity.client import UnityClient
from simulator.unity.number_format import find_locale
from trainer.data import samples as index
from trainer.data import shared_memory
from trainer.data.loader import Stream
from trainer.training.learner import Learner


class Network:
    """Stands where the network stands in training, and keeps what it is shown."""

    def __init__(self) -> None:
        self.seen: list[np.ndarray] = []

    def train_on_batch(self, frames: np.ndarray, labels: np.ndarray, **_: Any) -> dict[str, float]:
        self.seen.extend(frames.copy())
        return {"loss": 0.0}


def learned(tmp_path: Path, run: Path) -> list[np.ndarray]:
    """Return what the network is trained on: log → frame → store → stream → learner."""
    settings = load(Settings, {"LAPWING_DATA_DIR": str(tmp_path / "data")})
    import_source(settings, run, None, 0.0, lambda **_: None)
    manifests = store.read_manifests(tmp_path / "data")
    with store.open_store(tmp_path / "data", manifests[0]) as reader:
        rows = reader.rows
        place = reader.place
    table = index.plain([rows], [np.ones(len(rows), bool)])
    network = Network()
    asked = [shared_memory.records(table, np.arange(len(rows)))]
    with Stream([place], batch=len(rows), readers=1, queue_bytes=1 << 20) as stream:
        for _ in Learner(network).steps(stream.batches(asked)):
            pass
    return network.seen


def driven(tmp_path: Path, run: Path, network: Path) -> list[float]:
    """Return how it is driven: telemetry → bridge → inference → lane → frame → pilot, and back."""
    registry = Registry(tmp_path / "models")
    registry.root.mkdir()
    models.publish(registry, network, "walk")
    steerings = []
    with (
        serving.serving(serving.settings(registry.root)) as inference,
        bridge(str(inference.base_url)) as port,
        UnityClient(f"ws://127.0.0.1:{port}", find_locale("de-DE")) as client,
    ):
        serving.await_true(lambda: inference.get("/readyz").status_code == 200)
        for picture in sorted((run / "IMG").glob("center_*.jpg")):
            client.send_telemetry(0.0, 0.0, 9.0, picture.read_bytes())
            command = client.command()
            assert command is not None
            steerings.append(command.steering)
    return steerings


def test_the_network_sees_the_same_picture_on_both_legs(tmp_path: Path, networks: Path) -> None:
    """The steering of a frame is as good as its bytes: the network here answers to each of them."""
    run = samples.recording(tmp_path / "run", rows=6)
    trained_on = np.stack(learned(tmp_path, run))
    network = LiteRT(networks / "real")
    expected = network.predict(trained_on)
    one_off = trained_on.copy()
    one_off[:, 64] ^= 1  # in one row, by one: less than any other way of preparing would change
    assert (np.abs(network.predict(one_off) - expected) > 2e-6).all()
    assert driven(tmp_path, run, networks / "real") == pytest.approx(expected.tolist(), abs=1e-6)
