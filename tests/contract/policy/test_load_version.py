from pathlib import Path

import numpy as np
import pytest
from support.data import models

from contract.errors import ModelError
from contract.models import promotion
from contract.models.registry import TFLITE, Registry
from contract.policy import load_version

FRAME = np.random.default_rng(1).integers(0, 256, (128, 128, 3), np.uint8)


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    (tmp_path / "models").mkdir()
    return Registry(tmp_path / "models")


@pytest.mark.parametrize("name", ["left", "right", "floats"])
def test_a_version_answers_like_its_network(registry: Registry, networks: Path, name: str) -> None:
    models.publish(registry, networks / name, "job")
    manifest, steer = load_version.load(registry, 1)
    assert manifest.version == 1
    answer = models.ANSWERS["left" if name == "floats" else name]
    assert abs(steer(FRAME) - answer) < models.NEAR


def test_none_loads_the_current_version(registry: Registry, networks: Path) -> None:
    models.publish(registry, networks / "left", "one")
    models.publish(registry, networks / "right", "two")
    promotion.force(registry, 1, "a test")
    assert load_version.load(registry, None)[0].version == 1


def test_steering_is_clamped_to_full_lock(registry: Registry, networks: Path) -> None:
    models.publish(registry, networks / "lock", "job")
    assert load_version.load(registry, 1)[1](FRAME) == 1.0


@pytest.mark.parametrize(
    ("name", "message"),
    [("nan", "answers with no number"), ("small", "does not take one frame")],
)
def test_a_network_that_cannot_drive_is_refused(
    registry: Registry, networks: Path, name: str, message: str
) -> None:
    models.publish(registry, networks / name, "job")
    with pytest.raises(ModelError, match=message):
        load_version.load(registry, 1)


def test_a_version_for_other_frames_is_refused(registry: Registry, networks: Path) -> None:
    models.publish(registry, networks / "left", "job", frame_spec={"height": 66})
    with pytest.raises(ModelError, match="trained on other frames"):
        load_version.load(registry, 1)


def test_a_changed_file_is_refused(registry: Registry, networks: Path) -> None:
    models.publish(registry, networks / "left", "job")
    path = registry.path(1) / TFLITE
    path.chmod(0o644)
    path.write_bytes(path.read_bytes()[:-1] + b"!")
    with pytest.raises(ModelError):
        load_version.load(registry, 1)
