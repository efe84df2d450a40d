from pathlib import Path

import numpy as np
import pytest

from contract.errors import TrainingError
from trainer.export import litert
from trainer.training import pilotnet


def test_the_twin_answers_as_the_network_does(tmp_path: Path) -> None:
    keras_network = pilotnet.build("float32")
    keras_network.save(tmp_path / "model.h5")
    litert.convert(tmp_path / "model.h5", tmp_path / "model.tflite")
    frames = np.random.default_rng(2).integers(0, 256, (20, 128, 128, 3), dtype=np.uint8)
    answers = litert.answers(tmp_path / "model.tflite", frames)
    assert litert.compare(keras_network.predict_on_batch(frames)[:, 0], answers) <= 1e-4
    assert answers.std() > 0


def test_what_is_no_model_is_not_converted(tmp_path: Path) -> None:
    (tmp_path / "model.h5").write_bytes(b"no HDF5")
    with pytest.raises(TrainingError, match=r"model\.h5 could not be converted"):
        litert.convert(tmp_path / "model.h5", tmp_path / "model.tflite")


@pytest.mark.parametrize("wrong", [0.2, float("nan")])
def test_a_twin_that_answers_otherwise_is_refused(wrong: float) -> None:
    expected = np.array([0.1, 0.1], np.float32)
    with pytest.raises(TrainingError, match="the LiteRT twin does not answer as the network does"):
        litert.compare(expected, np.array([0.1, wrong], np.float32))
