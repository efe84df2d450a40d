import json
import shutil
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from support.data import models, samples

from contract.errors import ModelError
from contract.frames import preprocess
from contract.frames import spec as framespec
from contract.models import golden
from contract.models.golden import COUNT, FILE, Golden
from contract.models.registry import H5, MANIFEST, TFLITE, Registry
from contract.policy.answer import PolicyAnswer
from contract.policy.litert import LiteRT
from contract.policy.policy import LoadedPolicy, load


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    (tmp_path / "models").mkdir()
    return Registry(tmp_path / "models")


class Constant:
    """A backend that gives the same answer to all frames."""

    def __init__(self, answer: float) -> None:
        self._answer = answer

    def predict(self, frames: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        return np.full((len(frames), 1), self._answer, dtype=np.float32)


def constant(answer: float, golden_answer: float = 0.0) -> LoadedPolicy:
    """Return a policy with a constant answer, and golden frames with another one."""
    frames = np.zeros((COUNT, 128, 128, 3), np.uint8)
    known = Golden(frames, np.full((COUNT, 1), golden_answer, np.float32))
    return LoadedPolicy(models.manifest("job"), Constant(answer), known)


def test_a_version_is_loaded_and_steers(registry: Registry, networks: Path) -> None:
    manifest = models.publish(registry, networks / "right", "job")
    policy = load(registry, 1, LiteRT)
    steering = policy.answer(preprocess.prepare(samples.jpeg())).steering
    assert policy.manifest == manifest
    assert steering == pytest.approx(models.ANSWERS["right"], abs=models.NEAR)


@pytest.mark.parametrize(("raw", "clamped"), [(3.0, 1.0), (-7.5, -1.0), (0.25, 0.25)])
def test_steering_is_clamped(raw: float, clamped: float) -> None:
    policy = constant(raw)
    assert policy.answer(preprocess.prepare(samples.jpeg())) == PolicyAnswer(clamped)


@pytest.mark.parametrize("raw", [float("nan"), float("inf"), float("-inf")])
def test_an_answer_that_is_no_number_is_an_error(raw: float) -> None:
    policy = constant(raw)
    with pytest.raises(ModelError, match="answers with no number"):
        policy.answer(preprocess.prepare(samples.jpeg()))


def test_a_version_that_has_learned_the_speed_answers_it(
    registry: Registry, networks: Path
) -> None:
    models.publish(registry, networks / "fast", "job", **models.LEARNED_SPEED)
    answer = load(registry, 1, LiteRT).answer(preprocess.prepare(samples.jpeg()))
    assert answer.steering == pytest.approx(models.ANSWERS["left"], abs=models.NEAR)
    assert answer.speed_mph == pytest.approx(models.FAST_MPH, abs=30 * models.NEAR)


@pytest.mark.parametrize(
    ("network", "changes"),
    [
        pytest.param("fast", {}, id="a speed that the manifest does not tell of"),
        pytest.param("left", models.LEARNED_SPEED, id="no speed, of which the manifest tells"),
    ],
)
def test_a_network_with_other_answers_than_its_manifest_says_is_not_loaded(
    registry: Registry, networks: Path, network: str, changes: dict[str, Any]
) -> None:
    models.publish(registry, networks / network, "job", **changes)
    with pytest.raises(ModelError, match=r"version 1 does not answer the steering .* numbers"):
        load(registry, 1, LiteRT)


def test_a_network_that_answers_nan_is_not_loaded(registry: Registry, networks: Path) -> None:
    models.publish(registry, networks / "nan", "job")
    with pytest.raises(ModelError, match="version 1 answers with no number: got nan"):
        load(registry, 1, LiteRT)


def test_a_model_of_other_frames_is_not_loaded(registry: Registry, networks: Path) -> None:
    spec = {**framespec.SPEC, "resize": "guessing"}
    models.publish(registry, networks / "left", "job", frame_spec=spec)
    with pytest.raises(ModelError, match=r"version 1 was trained on other frames.*guessing"):
        load(registry, 1, LiteRT)


def test_a_version_with_a_frame_of_its_own_is_given_that_frame(
    registry: Registry, networks: Path
) -> None:
    frame = framespec.FrameSpec(64, 64, "bgr", "area", (60, 25))
    models.publish(registry, networks / "small", "job", frame_spec=frame.document())
    # Its golden frames have 64 x 64 pixels, which no camera and no store makes.
    with pytest.raises(ModelError, match="holds no golden frames"):
        load(registry, 1, LiteRT)
    pictures = np.stack([samples.picture(0.1 * seed, seed) for seed in range(COUNT)])
    prepared = np.stack(
        [
            cv2.resize(picture[60:-25], (64, 64), interpolation=cv2.INTER_AREA)[..., ::-1]
            for picture in pictures
        ]
    )
    backend = LiteRT(networks / "small", (64, 64, 3))
    expected = backend.predict(prepared)
    shutil.copytree(networks / "small", registry.root / "theirs")
    golden.write(registry.root / "theirs" / FILE, pictures, expected)
    models.publish(registry, registry.root / "theirs", "job-2", frame_spec=frame.document())
    policy = load(registry, 2, LiteRT)
    assert policy.frame_spec == frame
    np.testing.assert_array_equal(policy.prepare(pictures[3]), prepared[3])
    assert policy.steer_picture(pictures[3]) == expected[3, 0]


@pytest.mark.parametrize(("answer", "golden_answer"), [(0.5, 0.5009), (-3.0, -3.0), (25.0, 25.024)])
def test_a_model_with_the_expected_answers_passes(answer: float, golden_answer: float) -> None:
    constant(answer, golden_answer).check()


def test_a_model_with_other_answers_fails() -> None:
    with pytest.raises(ModelError, match=r"does not answer its golden frames .* of 0\.0011 in"):
        constant(0.5, 0.5011).check()


def test_a_model_with_other_golden_answers_is_not_loaded(
    registry: Registry, networks: Path
) -> None:
    shutil.copytree(networks / "left", registry.root / "mixed")
    shutil.copy(networks / "right" / FILE, registry.root / "mixed" / FILE)
    models.publish(registry, registry.root / "mixed", "job")
    with pytest.raises(ModelError, match="does not answer its golden frames"):
        load(registry, 1, LiteRT)


@pytest.mark.parametrize("name", [TFLITE, H5, FILE])
def test_a_damaged_version_is_not_loaded(registry: Registry, networks: Path, name: str) -> None:
    models.publish(registry, networks / "left", "job")
    content = bytearray((registry.path(1) / name).read_bytes())
    content[len(content) // 2] ^= 1
    (registry.path(1) / name).write_bytes(content)
    with pytest.raises(ModelError, match=f"{name} of model version 1 is not what"):
        load(registry, 1, LiteRT)


@pytest.mark.parametrize("name", [TFLITE, FILE])
def test_a_file_that_was_not_verified_is_not_loaded(
    registry: Registry, networks: Path, name: str
) -> None:
    models.publish(registry, networks / "left", "job")
    path = registry.path(1) / MANIFEST
    document = json.loads(path.read_text())
    del document["files"][name]
    path.write_text(json.dumps(document))
    with pytest.raises(ModelError, match=f"lists no {name}"):
        load(registry, 1, LiteRT)


def test_a_manifest_of_another_version_is_refused(registry: Registry, networks: Path) -> None:
    models.publish(registry, networks / "left", "one")
    registry.path(1).rename(registry.path(2))
    with pytest.raises(ModelError, match="belongs to another: got 1"):
        load(registry, 2, LiteRT)
