"""ONNX Runtime, which is not our code, must answer as NumPy computes from the definitions."""

import json
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from support.data import models

from contract.errors import ModelError, TrainingError
from contract.frames import spec
from contract.models import golden
from contract.models.registry import H5, Registry
from trainer.export import onnx_model
from trainer.graph import numpy_backend
from trainer.keras_import import reader

RANDOM = np.random.default_rng(6)


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory, networks: Path) -> Registry:
    """Return a registry whose version 1 is our trainer's network."""
    registry = Registry(tmp_path_factory.mktemp("registry"))
    models.publish(registry, networks / "real", "real")
    return registry


def test_onnx_runtime_steers_as_the_version_does(registry: Registry, tmp_path: Path) -> None:
    out = tmp_path / "deep" / "model.onnx"
    result = onnx_model.export(registry, 1, out)
    assert result["largest_difference"] <= 1e-4
    assert list(out.parent.iterdir()) == [out]
    frames = RANDOM.integers(0, 256, (5, *spec.SHAPE)).astype(np.uint8)
    network = reader.read(registry.path(1) / H5).network
    expected = numpy_backend.predict(network, frames)
    session = onnxruntime.InferenceSession(str(out), providers=["CPUExecutionProvider"])
    for count in (1, 5):
        [answers] = session.run(["steering"], {"frame": frames[:count]})
        np.testing.assert_allclose(answers, expected[:count], atol=1e-4)
    assert expected.std() > 1e-3
    model = onnx.load(str(out))
    properties = {entry.key: entry.value for entry in model.metadata_props}
    assert properties["lapwing.sha256"] == registry.manifest(1).sha256
    assert json.loads(properties["lapwing.frame_spec"]) == dict(spec.SPEC)


def test_a_version_that_steers_otherwise_leaves_no_file(
    registry: Registry, tmp_path: Path, networks: Path
) -> None:
    """The golden frames of another network stand for a conversion that went wrong."""
    other = Registry(tmp_path / "models")
    (folder := tmp_path / "models" / "made").mkdir(parents=True)
    (folder / H5).write_bytes((networks / "left" / H5).read_bytes())
    (folder / golden.FILE).write_bytes((networks / "right" / golden.FILE).read_bytes())
    models.publish(other, folder, "wrong")
    with pytest.raises(TrainingError, match="the ONNX model does not steer as the version does"):
        onnx_model.export(other, 1, tmp_path / "model.onnx")
    assert [path.name for path in tmp_path.iterdir()] == ["models"]
    with pytest.raises(ModelError, match="no such model version"):
        onnx_model.export(other, 7, tmp_path / "model.onnx")
