"""Each network is trained by the job's function, and is served, explained and exported."""

from pathlib import Path
from typing import Any, Final

import h5py
import numpy as np
import onnxruntime
import pytest
from support.data import samples

from contract.errors import TrainingError
from contract.models import layer_table
from contract.models.registry import H5, TFLITE, Registry
from contract.policy import load_version
from contract.train_config import DEFAULT_NETWORK, NETWORKS, TrainConfig
from ingest.job import import_source
from ingest.settings import Settings as IngestSettings
from trainer.explain.inspector import ModelInspector
from trainer.graph import numpy_backend, onnx_backend
from trainer.jobs.disk_need import OTHER_BYTES, training_bytes
from trainer.jobs.train import train
from trainer.keras_import import reader
from trainer.settings import Settings
from trainer.training import network_builder
from trainer.training.learner import Learner

OTHERS: Final = [name for name in NETWORKS if name != DEFAULT_NETWORK]
SEEN: Final = {"pilotnet": (66, 200), "wide": (73, 128), "squeeze-excitation": (73, 128)}
"""Rows and columns that the first convolution of each network sees."""
FRAME: Final = samples.picture(0.3, 5, 128, 128)


class KillError(Exception):
    """Ends a training in the middle of an epoch, as a kill does."""


def no_report(**_: object) -> None:
    pass


def config(network: str, **options: Any) -> TrainConfig:
    return TrainConfig(
        epochs=1, batch=32, cameras=False, validation_gap_s=0.2, network=network, **options
    )


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Return volumes with one recording, and with a version of each network but the default."""
    folder = tmp_path_factory.mktemp("networks")
    settings = Settings(data_dir=folder / "data", model_dir=folder / "models", checkpoint_s=0.0)
    source = samples.recording(folder / "run", rows=60)
    import_source(IngestSettings(data_dir=settings.data_dir), source, None, 0.0, no_report)
    for number, name in enumerate(OTHERS, 1):
        assert train(settings, name, no_report, [], config(name))["version"] == number
    return settings


def folder(settings: Settings, name: str) -> Path:
    return Registry(settings.model_dir).path(OTHERS.index(name) + 1)


def weights(path: Path) -> list[np.ndarray]:
    """Return the weights of a version's model.h5, read with h5py."""
    arrays: list[np.ndarray] = []

    def visit(_: str, node: object) -> None:
        if isinstance(node, h5py.Dataset):
            arrays.append(node[...])

    with h5py.File(path / H5) as file:
        file["model_weights"].visititems(visit)
    return arrays


@pytest.mark.parametrize("name", OTHERS)
def test_a_version_is_served_as_its_file_computes(settings: Settings, name: str) -> None:
    """NumPy computes model.h5, which was read as data; LiteRT is what inference serves."""
    manifest, steer = load_version.load(Registry(settings.model_dir), OTHERS.index(name) + 1)
    assert manifest.config["network"] == name
    assert manifest.metrics["twin_difference"] <= 1e-4
    network = reader.read(folder(settings, name) / H5).network
    (expected,) = numpy_backend.predict(network, FRAME[None])[:, 0]
    # A steering is cut to -1..1; a network that was trained for a moment may be beyond.
    assert steer(FRAME) == pytest.approx(np.clip(expected, -1, 1), abs=1e-4)
    assert steer(FRAME) != pytest.approx(steer(samples.picture(-0.9, 6, 128, 128)), abs=1e-4)


@pytest.mark.parametrize("name", OTHERS)
def test_a_version_is_explained(settings: Settings, name: str) -> None:
    inspector = ModelInspector(reader.read(folder(settings, name) / H5).network)
    view = inspector.inspect("a", FRAME, 0.3)
    assert view.crop.shape == (*SEEN[name], 3)
    assert view.saliency.shape == SEEN[name]
    assert 0.9 < view.saliency.max() <= 1  # resizing it takes a little off the largest value
    assert np.isfinite(view.saliency).all()
    maps = inspector.feature_maps(FRAME)
    assert len(maps) == 5
    assert all(each.maps.std() > 0 for each in maps)


@pytest.mark.parametrize("name", OTHERS)
def test_a_version_is_exported_to_onnx(settings: Settings, name: str) -> None:
    network = reader.read(folder(settings, name) / H5).network
    content = onnx_backend.build_model(network).SerializeToString()
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    [answers] = session.run(["steering"], {"frame": FRAME[None]})
    np.testing.assert_allclose(answers, numpy_backend.predict(network, FRAME[None]), atol=1e-5)


@pytest.mark.parametrize("name", OTHERS)
def test_the_table_of_layers_has_all_parameters(settings: Settings, name: str) -> None:
    layers = layer_table.read(folder(settings, name) / layer_table.FILE)
    assert layers is not None
    sizes = [array.size for array in weights(folder(settings, name))]
    assert sum(layer.parameters for layer in layers) == sum(sizes)
    gates = [layer.detail for layer in layers if layer.kind == "LapwingSqueezeExcitation"]
    assert gates == (
        ["6 units", "9 units", "12 units", "16 units", "16 units"]
        if name == "squeeze-excitation"
        else []
    )


@pytest.mark.parametrize("averaging", [0.0, 1.0], ids=["as-they-are", "averaged"])
@pytest.mark.parametrize("name", OTHERS)
def test_the_state_that_a_training_saves_is_as_large_as_is_reckoned(
    settings: Settings, name: str, averaging: float, tmp_path: Path
) -> None:
    """Learner.save writes it: the weights, AMSGrad's three moments, and averaged weights."""
    learner = Learner.start(network_builder.build(name, "float32"), 1e-3, averaging_steps=averaging)
    learner.save(tmp_path / "state.h5")
    version = folder(settings, name)
    sizes = 4 * (tmp_path / "state.h5").stat().st_size
    sizes += sum((version / file).stat().st_size for file in (H5, TFLITE))
    reckoned = training_bytes(config(name, averaging_epochs=averaging))
    assert reckoned - OTHER_BYTES == pytest.approx(sizes, rel=0.1)


@pytest.mark.soak
def test_a_killed_training_of_another_network_resumes(settings: Settings) -> None:
    """It ends with the digests and the weights of the one that was not disturbed."""
    name = "squeeze-excitation"

    def kill(step: int = 0, epoch: int = 0, **_: Any) -> None:
        if (epoch, step) == (1, 2):
            raise KillError

    with pytest.raises(KillError):
        train(settings, "killed", kill, [], config(name))
    resumed = train(settings, "killed", no_report, [], config(name))
    registry = Registry(settings.model_dir)
    undisturbed = registry.manifest(OTHERS.index(name) + 1)
    assert [epoch["digest"] for epoch in resumed["history"]] == [
        epoch["digest"] for epoch in undisturbed.history
    ]
    one, other = (
        numpy_backend.predict(reader.read(path / H5).network, FRAME[None])
        for path in (folder(settings, name), registry.path(resumed["version"]))
    )
    np.testing.assert_allclose(one, other, atol=1e-4)


@pytest.mark.soak
def test_a_version_is_trained_further_as_the_network_that_it_is(settings: Settings) -> None:
    """A step of Adam moves a weight by little more than the learning rate, here 1e-7."""
    name = "squeeze-excitation"
    parent = OTHERS.index(name) + 1
    tiny = config(name, learning_rate=1e-7)
    child = train(settings, "child", no_report, ["run"], tiny, parent)
    path = Registry(settings.model_dir).path(child["version"])
    before, after = weights(folder(settings, name)), weights(path)
    assert len(before) == len(after) == 2 * 9 + 4 * 5
    for one, other in zip(before, after, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)
    known = "squeeze-excitation, not nvidia-like. Train with --network squeeze-excitation"
    with pytest.raises(TrainingError, match=f"version {parent} has another network.*{known}"):
        train(settings, "other", no_report, ["run"], config(DEFAULT_NETWORK), parent)
