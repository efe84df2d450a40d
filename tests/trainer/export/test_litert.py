import resource
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from contract.errors import TrainingError
from contract.policy.litert import LiteRT
from trainer.export import litert
from trainer.training import network_builder

Convert = Callable[[Path, Path], None]
conversions = pytest.mark.parametrize("convert", [litert.convert, litert.convert_trained])


@conversions
def test_the_litert_model_steers_as_the_network_does(convert: Convert, tmp_path: Path) -> None:
    keras_network = network_builder.build(dtype="float32")
    keras_network.save(tmp_path / "model.h5")
    convert(tmp_path / "model.h5", tmp_path / "model.tflite")
    frames = np.random.default_rng(2).integers(0, 256, (20, 128, 128, 3), dtype=np.uint8)
    steering = LiteRT(tmp_path).predict(frames)
    assert litert.check_parity(keras_network.predict_on_batch(frames), steering) <= 1e-4
    assert steering.std() > 0


@conversions
def test_a_file_that_is_not_a_model_is_refused(convert: Convert, tmp_path: Path) -> None:
    (tmp_path / "model.h5").write_bytes(b"no HDF5")
    with pytest.raises(TrainingError, match=r"model\.h5 could not be converted"):
        convert(tmp_path / "model.h5", tmp_path / "model.tflite")


def test_a_training_prints_nothing_and_starts_no_process_to_convert(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """To load TensorFlow once more takes longer than the conversion."""
    network_builder.build(dtype="float32").save(tmp_path / "model.h5")
    capfd.readouterr()
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    litert.convert_trained(tmp_path / "model.h5", tmp_path / "model.tflite")
    assert resource.getrusage(resource.RUSAGE_CHILDREN) == before
    assert capfd.readouterr().out == ""
    litert.convert(tmp_path / "model.h5", tmp_path / "model.tflite")
    assert resource.getrusage(resource.RUSAGE_CHILDREN) != before


@pytest.mark.parametrize("wrong", [0.2, float("nan")])
def test_a_model_that_steers_otherwise_is_refused(wrong: float) -> None:
    expected = np.array([0.1, 0.1], np.float32)
    with pytest.raises(TrainingError, match="the LiteRT model does not steer as the network does"):
        litert.check_parity(expected, np.array([0.1, wrong], np.float32))


def test_the_tolerance_is_relative_to_answers_beyond_a_steering() -> None:
    """Float32 tells 25 degrees apart to 2e-6 of them, and every layer adds its own rounding."""
    expected = np.array([25.0, -3.0, 0.0], np.float32)
    assert litert.check_parity(expected, expected + np.float32(2e-3)) == pytest.approx(2e-3, 0.01)
    with pytest.raises(TrainingError, match="answers of shape"):
        litert.check_parity(expected, expected[:, None])
    with pytest.raises(TrainingError, match=r"a difference of 0\.003 .* at most 0\.0025 is accept"):
        litert.check_parity(expected, expected + np.float32(3e-3))
