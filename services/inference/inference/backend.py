"""The two ways to compute a steering: LiteRT on model.tflite, TensorFlow on model.h5."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
from ai_edge_litert.interpreter import Interpreter

from contract.errors import ModelError, SettingError
from contract.frame import Frame
from contract.registry import H5, TFLITE


class Backend(Protocol):
    """Computes what the network says of a frame."""

    def steer(self, frame: Frame) -> float:
        """Return the network's output for a frame, uint8 RGB (128, 128, 3)."""


class LiteRT:
    """The twin in LiteRT, on one thread: the network is too small for a second to pay.

    Raises:
        ModelError: the file is no such twin.
    """

    def __init__(self, folder: Path) -> None:
        try:
            self._interpreter = Interpreter(model_path=str(folder / TFLITE), num_threads=1)
            self._interpreter.allocate_tensors()
        except (ValueError, RuntimeError) as error:
            raise _unloadable(folder / TFLITE, error) from error
        source = self._interpreter.get_input_details()[0]
        self._input, self._dtype = source["index"], source["dtype"]
        self._output = self._interpreter.get_output_details()[0]["index"]

    def steer(self, frame: Frame) -> float:
        """Return the network's output for a frame."""
        self._interpreter.set_tensor(self._input, frame[None].astype(self._dtype, copy=False))
        self._interpreter.invoke()
        return float(self._interpreter.get_tensor(self._output).item())


class TensorFlow:
    """model.h5 itself, in a function that is traced once.

    Raises:
        SettingError: TensorFlow is not installed here.
        ModelError: the file is no such model.
    """

    def __init__(self, folder: Path) -> None:
        try:
            import keras
            import tensorflow as tf
        except ImportError as error:
            raise SettingError(
                "LAPWING_BACKEND=tensorflow needs TensorFlow",
                got=error,
                remedy="Build the image with BACKEND=-tensorflow, or use litert, which is faster",
            ) from error
        try:
            network = keras.models.load_model(folder / H5, compile=False)
        except (ValueError, OSError, TypeError) as error:
            raise _unloadable(folder / H5, error) from error
        signature = tf.TensorSpec((1, 128, 128, 3), tf.uint8)
        self._compute: Any = tf.function(
            lambda frames: network(frames, training=False), input_signature=[signature]
        )

    def steer(self, frame: Frame) -> float:
        """Return the network's output for a frame."""
        answer: npt.NDArray[np.float32] = self._compute(frame[None]).numpy()
        return float(answer.item())


BACKENDS: dict[str, type[LiteRT] | type[TensorFlow]] = {"litert": LiteRT, "tensorflow": TensorFlow}


def _unloadable(path: Path, error: Exception) -> ModelError:
    return ModelError(
        f"{path.name} of model version {path.parent.name} does not load",
        got=str(error).splitlines()[0],
        remedy="Promote another version, or train again",
    )
