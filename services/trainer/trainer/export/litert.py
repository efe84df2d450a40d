"""The LiteRT twin of a published network, and the proof that it answers as the network does.

The twin is converted from model.h5 itself, in a process of its own that always runs Keras on
TensorFlow: it works for every training backend. The file is read as data (`trainer/modelfile.py`)
and the network built anew from it, so the twin also shows that nothing of it is only in memory.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
from ai_edge_litert.interpreter import Interpreter

from contract.errors import TrainingError
from trainer.graph import keras_backend
from trainer.keras_import import reader

TOLERANCE: Final = 1e-4
"""Largest difference in steering, -1..1, between the network and its twin."""


def convert(h5: Path, tflite: Path) -> None:
    """Write the twin of a model.h5.

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
        raise TrainingError(
            f"{h5.name} could not be converted for LiteRT",
            got=f"exit status {done.returncode}:\n{done.stderr[-2000:]}",
        )


def answers(tflite: Path, frames: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """Return the twin's steering for frames uint8 (n, 128, 128, 3), as inference computes it."""
    interpreter = Interpreter(model_path=str(tflite), num_threads=1)
    interpreter.allocate_tensors()
    source, target = interpreter.get_input_details()[0], interpreter.get_output_details()[0]
    steering = np.empty(len(frames), dtype=np.float32)
    for number, frame in enumerate(frames):
        interpreter.set_tensor(source["index"], frame[None].astype(source["dtype"]))
        interpreter.invoke()
        steering[number] = interpreter.get_tensor(target["index"]).item()
    return steering


def compare(
    expected: npt.NDArray[np.float32],
    found: npt.NDArray[np.float32],
    who: str = "the LiteRT twin",
) -> float:
    """Return the largest difference between a network's answers and those of its twin, `who`.

    Raises:
        TrainingError: it is above TOLERANCE, or no number.
    """
    difference = float(np.abs(expected - found).max())
    if not difference <= TOLERANCE:  # so that NaN is refused
        raise TrainingError(
            f"{who} does not answer as the network does",
            got=f"a difference of {difference:.3g} in steering",
            remedy=f"At most {TOLERANCE:g} is published",
        )
    return difference


def main(h5: str, tflite: str) -> None:
    """Convert in this process, which must run Keras on TensorFlow."""
    import tensorflow as tf

    network = keras_backend.build(reader.read(Path(h5)).network)
    Path(tflite).write_bytes(tf.lite.TFLiteConverter.from_keras_model(network).convert())


if __name__ == "__main__":
    main(*sys.argv[1:])
