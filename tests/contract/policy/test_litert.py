from pathlib import Path

import numpy as np
import pytest
from support.data import models, samples

from contract.errors import ModelError
from contract.frames import preprocess
from contract.models.registry import TFLITE
from contract.policy.litert import LiteRT

FRAMES = np.stack([preprocess.prepare(samples.jpeg(steering)) for steering in (-0.5, 0.0, 0.5)])


def test_each_frame_has_its_own_answer(networks: Path) -> None:
    answers = LiteRT(networks / "left").predict(FRAMES)
    assert answers.shape == (3, 1)
    assert answers.dtype == np.float32
    np.testing.assert_allclose(answers, models.ANSWERS["left"], atol=models.NEAR)
    assert len(set(answers[:, 0].tolist())) == 3


def test_a_network_that_has_learned_the_speed_gives_two_numbers(networks: Path) -> None:
    answers = LiteRT(networks / "fast").predict(FRAMES)
    assert answers.shape == (3, 2)
    expected = [models.ANSWERS["left"], models.FAST_MPH / 30]
    np.testing.assert_allclose(answers, np.tile(expected, (3, 1)), atol=models.NEAR)


def test_several_frames_are_answered_like_single_frames(networks: Path) -> None:
    backend = LiteRT(networks / "left")
    together = backend.predict(FRAMES)
    alone = [backend.predict(frame[None])[0] for frame in FRAMES]
    np.testing.assert_array_equal(together, alone)


def test_a_network_that_takes_floats_gets_the_same_pixels(networks: Path) -> None:
    floats = LiteRT(networks / "floats").predict(FRAMES)
    np.testing.assert_allclose(floats, LiteRT(networks / "left").predict(FRAMES), atol=1e-6)


def test_a_network_for_other_frames_is_refused(networks: Path) -> None:
    with pytest.raises(ModelError, match=r"does not take one frame.*\(1, 64, 64, 3\)"):
        LiteRT(networks / "small")


@pytest.mark.parametrize("content", [b"", b"no model at all", bytes(4096)])
def test_a_file_that_is_no_model_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / TFLITE).write_bytes(content)
    with pytest.raises(ModelError, match=r"model\.tflite cannot be loaded"):
        LiteRT(tmp_path)


def test_a_network_that_needs_gigabytes_is_refused(networks: Path) -> None:
    with pytest.raises(ModelError, match=r"needs too much memory: got tensors of \d+,\d+,\d+,"):
        LiteRT(networks / "bomb")


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="No such file"):
        LiteRT(tmp_path)


def test_a_loaded_model_does_not_change_with_its_file(networks: Path, tmp_path: Path) -> None:
    (tmp_path / TFLITE).write_bytes((networks / "left" / TFLITE).read_bytes())
    backend = LiteRT(tmp_path)
    before = backend.predict(FRAMES)
    (tmp_path / TFLITE).write_bytes(b"")
    np.testing.assert_array_equal(backend.predict(FRAMES), before)
