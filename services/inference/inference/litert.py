"""The default backend: the published LiteRT twin, one frame at a time on one thread.

0.65 ms a frame, loaded in milliseconds, and no TensorFlow in the image.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from ai_edge_litert.interpreter import Interpreter

from contract.errors import ModelError
from contract.frame import CHANNELS, HEIGHT, WIDTH
from contract.registry import TFLITE

NAME: Final = "litert"
FILE: Final = TFLITE

# The converter keeps the network's own input type.
INPUT_TYPES: Final = (np.dtype(np.uint8), np.dtype(np.float32))


class LiteRT:
    """A loaded twin. Not to be used by two threads at once."""

    def __init__(self, folder: Path) -> None:
        """Load the twin of the version in `folder`.

        Raises:
            ModelError: the file is no model for LiteRT, or not one frame in and one number out.
        """
        try:
            # From bytes: a file that is mapped and then damaged would kill the process.
            content = (folder / FILE).read_bytes()
            self._interpreter: Any = Interpreter(model_content=content, num_threads=1)
            self._interpreter.allocate_tensors()
        except (OSError, ValueError, RuntimeError) as error:
            raise ModelError(f"{FILE} cannot be loaded by LiteRT", got=error) from error
        sources = self._interpreter.get_input_details()
        targets = self._interpreter.get_output_details()
        shapes = [tuple(int(n) for n in each["shape"]) for each in (*sources, *targets)]
        types = [np.dtype(each["dtype"]) for each in (*sources, *targets)]
        if (
            shapes != [(1, HEIGHT, WIDTH, CHANNELS), (1, 1)]
            or types[0] not in INPUT_TYPES
            or types[1] != np.float32
        ):
            raise ModelError(
                f"{FILE} does not take one frame and give one number",
                got=f"shapes {shapes}, types {[str(each) for each in types]}",
            )
        self._input, self._type = sources[0]["index"], types[0]
        self._output = targets[0]["index"]

    def predict(self, frames: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        """Return the steering, float32 (n,), of frames uint8 (n, 128, 128, 3)."""
        steering = np.empty(len(frames), dtype=np.float32)
        # Pixels stay 0..255: the network crops and scales by itself.
        pixels = frames.astype(self._type, copy=False)
        for number in range(len(frames)):
            self._interpreter.set_tensor(self._input, pixels[number : number + 1])
            self._interpreter.invoke()
            steering[number] = self._interpreter.get_tensor(self._output).item()
        return steering
