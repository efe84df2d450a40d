"""What computes a network: LiteRT on model.tflite, or Keras on TensorFlow on model.h5."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

import numpy as np
import numpy.typing as npt

from inference import keras_backend, litert


class Backend(Protocol):
    """A loaded network. Not to be used by two threads at once."""

    def predict(self, frames: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        """Return the steering, float32 (n,), of frames uint8 RGB (n, 128, 128, 3)."""


@dataclass(frozen=True)
class Kind:
    """A way to compute networks."""

    file: str
    """The file of a version that it reads."""
    load: Callable[[Path], Backend]
    """Loads the model in a version's folder; raises ModelError."""
    require: Callable[[], None]
    """Raises SettingError where it is not installed."""


KINDS: Final = {
    litert.NAME: Kind(litert.FILE, litert.LiteRT, lambda: None),
    keras_backend.NAME: Kind(
        keras_backend.FILE, keras_backend.KerasOnTensorFlow, keras_backend.require
    ),
}
