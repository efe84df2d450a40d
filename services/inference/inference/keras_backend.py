"""The backend that serves model.h5 itself, with Keras on TensorFlow.

For comparing with the twin, and for networks that LiteRT does not know. TensorFlow takes 10 s to
import, so nothing here imports it before a model is loaded.
"""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from contract.errors import ModelError, SettingError
from contract.frame import CHANNELS, HEIGHT, WIDTH
from contract.registry import H5

NAME: Final = "tensorflow"
FILE: Final = H5

PACKAGES: Final = ("tensorflow", "keras")


def require(find: Callable[[str], object] = importlib.util.find_spec) -> None:
    """See that TensorFlow is installed, without importing it.

    Raises:
        SettingError: it is not.
    """
    missing = [name for name in PACKAGES if find(name) is None]
    if missing:
        raise SettingError(
            f"LAPWING_BACKEND=tensorflow needs {' and '.join(missing)}, not installed here",
            remedy="Install lapwing-inference[tensorflow] "
            "(requirements/inference-tensorflow.lock), or set LAPWING_BACKEND=litert",
        )


class KerasOnTensorFlow:
    """A loaded network as one compiled function."""

    def __init__(self, folder: Path) -> None:
        """Load model.h5 of the version in `folder`.

        Raises:
            ModelError: Keras cannot load it, or it does not take frames and give one number each.
        """
        os.environ["KERAS_BACKEND"] = "tensorflow"
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
        import keras
        import tensorflow as tf

        try:
            # Keras's safe mode is on by default: a file that brings code is refused.
            network: Any = keras.models.load_model(folder / FILE, compile=False)
        except Exception as error:  # a damaged file makes Keras raise anything
            raise ModelError(f"{FILE} cannot be loaded by Keras", got=error) from error
        shapes = (network.input_shape, network.output_shape)
        if shapes != ((None, HEIGHT, WIDTH, CHANNELS), (None, 1)):
            raise ModelError(f"{FILE} does not take frames and give one number each", got=shapes)

        signature = [tf.TensorSpec((None, HEIGHT, WIDTH, CHANNELS), tf.uint8)]

        def steer(frames: Any) -> Any:  # noqa: ANN401 - a tensor, which publishes no type
            return tf.cast(
                network(tf.cast(frames, network.inputs[0].dtype), training=False), tf.float32
            )

        self._steer: Any = tf.function(steer, input_signature=signature)

    def predict(self, frames: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        """Return the steering, float32 (n,), of frames uint8 (n, 128, 128, 3)."""
        return np.asarray(self._steer(frames), dtype=np.float32).reshape(-1)
