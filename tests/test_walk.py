"""One frame walks through the whole house: the network sees the same bytes on both legs."""

from pathlib import Path
from typing import Any

import models
import numpy as np
import samples
import serving
from driving import bridge

from contract import store
from contract.registry import H5, TFLITE, Registry
from contract.settings import load
from inference.backend import Kind
from ingest.job import import_source
from ingest.settings import Settings
from simulator.dialect import Client
from simulator.numbers import locale
from trainer import index, ring
from trainer.learner import Learner
from trainer.stream import Stream


class Network:
    """Stands where the network stands on both legs, and keeps what it is shown."""

    def __init__(self) -> None:
        self.seen: list[np.ndarray] = []

    def train_on_batch(self, frames: np.ndarray, labels: np.ndarray, **_: Any) -> dict[str, float]:
        self.seen.extend(frames.copy())
        return {"loss": 0.0}

    def predict(self, frames: np.ndarray) -> np.ndarray:
        self.seen.extend(frames.copy())
        return np.full(len(frames), 0.25, np.float32)


def learned(tmp_path: Path, run: Path) -> list[np.ndarray]:
    """Return what the network is trained on: log → frame → store → stream → learner."""
    settings = load(Settings, {"LAPWING_DATA_DIR": str(tmp_path / "data")})
    import_source(settings, run, None, 0.0, lambda **_: None)
    manifests = store.manifests(tmp_path / "data")
    with store.open_store(tmp_path / "data", manifests[0]) as reader:
        rows = reader.rows
        place = reader.place
    table = index.plain([rows], [np.ones(len(rows), bool)])
    network = Network()
    asked = [ring.records(table, np.arange(len(rows)))]
    with Stream([place], batch=len(rows), readers=1, queue_bytes=1 << 20) as stream:
        for _ in Learner(network).steps(stream.batches(asked)):
            pass
    return network.seen


def driven(tmp_path: Path, run: Path) -> tuple[list[np.ndarray], list[float]]:
    """Return what the network drives on: telemetry → bridge → inference → frame → pilot."""
    network = Network()
    registry = Registry(tmp_path / "models")
    staged = registry.root / "staged"
    staged.mkdir(parents=True)
    for name in (H5, TFLITE):
        (staged / name).write_bytes(b"the network of this test")
    registry.publish(staged, models.manifest("walk"))
    kinds = {"litert": Kind(TFLITE, lambda folder: network, lambda: None)}
    steerings = []
    with (
        serving.serving(serving.settings(registry.root), kinds) as inference,
        bridge(str(inference.base_url)) as port,
        Client(f"ws://127.0.0.1:{port}", locale("de-DE")) as client,
    ):
        network.seen.clear()  # the frame that warmed it up
        for picture in sorted((run / "IMG").glob("center_*.jpg")):
            client.telemetry(0.0, 0.0, 9.0, picture.read_bytes())
            command = client.command()
            assert command is not None
            steerings.append(command.steering)
    return network.seen, steerings


def test_the_network_sees_identical_bytes_on_both_legs(tmp_path: Path) -> None:
    run = samples.recording(tmp_path / "run", rows=6)
    trained_on = learned(tmp_path, run)
    driven_on, steerings = driven(tmp_path, run)
    assert len(trained_on) == len(driven_on) == 6
    for one, other in zip(trained_on, driven_on, strict=True):
        np.testing.assert_array_equal(one, other)
    assert steerings == [0.25] * 6
