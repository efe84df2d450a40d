"""Converts a published network to LiteRT, and checks that both give the same steering.

The LiteRT model is converted from model.h5 itself. The file is read as data
(`keras_import/reader.py`) and the network is built from it, which also proves that the file holds
the whole network. The conversion needs Keras on TensorFlow. A training that runs on another backend
converts in a separate process, and so does the import of a stranger's network, which may be one
that ends the converter.
"""

from __future__ import annotations

import contextlib
import io
import os
import subprocess
import sys
from pathlib import Path
from typing import Final

import keras
import numpy as np
import numpy.typing as npt

from contract.errors import LapwingError, TrainingError
from trainer.graph import keras_backend
from trainer.keras_import import reader

TOLERANCE: Final = 1e-4
"""Maximum difference in steering, -1..1, or in speed / 30 mph between two forms of a network.

It is relative to the largest answer of a network whose answers exceed 1, such as degrees."""


def convert_trained(h5: Path, tflite: Path) -> None:
    """Write the LiteRT form of a model.h5 that this process has trained.

    If this process runs Keras on TensorFlow, it converts itself: to load TensorFlow in another
    process takes twice as long as to convert.

    Raises:
        TrainingError: the file is refused, or cannot be converted.
    """
    if keras.backend.backend() != "tensorflow":
        convert(h5, tflite)
        return
    try:
        with contextlib.redirect_stdout(io.StringIO()):  # Keras describes what it exports.
            main(str(h5), str(tflite))
    except (LapwingError, ValueError, RuntimeError) as error:
        raise _conversion_error(h5, error) from error


def convert(h5: Path, tflite: Path) -> None:
    """Write the LiteRT form of a model.h5, in a separate process.

    Raises:
        TrainingError: the file is refused, or cannot be converted.
    """
    done = subprocess.run(
        [sys.executable, "-m", "trainer.export.litert", str(h5), str(tflite)],
        env={**os.environ, "KERAS_BACKEND": "tensorflow", "CUDA_VISIBLE_DEVICES": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode or not tflite.exists():
        raise _conversion_error(h5, f"exit status {done.returncode}:\n{done.stderr[-2000:]}")


def _conversion_error(h5: Path, got: object) -> TrainingError:
    return TrainingError(f"{h5.name} could not be converted for LiteRT", got=got)


def check_parity(
    expected: npt.NDArray[np.float32],
    actual: npt.NDArray[np.float32],
    name: str = "the LiteRT model",
) -> float:
    """Return the largest difference between the answers of two forms of a network.

    Args:
        expected: (n, outputs), answers of the network.
        actual: (n, outputs), answers of its other form to the same frames.
        name: what messages call the other form.

    Raises:
        TrainingError: the difference is above TOLERANCE, or not a number, or one form has more
            answers. For answers beyond -1..1 the tolerance is relative.
    """
    if expected.shape != actual.shape:  # NumPy would compare each answer with all others
        raise TrainingError(
            f"{name} does not answer as the network does",
            got=f"answers of shape {actual.shape}, not {expected.shape}",
        )
    difference = float(np.abs(expected - actual).max())
    accepted = TOLERANCE * max(1.0, float(np.abs(expected).max()))
    if not difference <= accepted:  # written so that NaN is refused
        raise TrainingError(
            f"{name} does not steer as the network does",
            got=f"a difference of {difference:.3g} in steering",
            remedy=f"A difference of at most {accepted:g} is accepted",
        )
    return difference


def main(h5: str, tflite: str) -> None:
    """Convert in this process, which must run Keras on TensorFlow."""
    import tensorflow as tf

    network = keras_backend.build_model(reader.read(Path(h5), whole=True).network)
    Path(tflite).write_bytes(tf.lite.TFLiteConverter.from_keras_model(network).convert())


if __name__ == "__main__":
    main(*sys.argv[1:])
