"""Computes the published LiteRT twin, one frame at a time on one thread.

0.65 ms a frame, loaded in milliseconds, and no TensorFlow in the image. A batch of eight takes as
long a frame as eight alone, so there are none.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from ai_edge_litert.interpreter import Interpreter

from contract.errors import ModelError
from contract.frames.spec import CHANNELS, HEIGHT, WIDTH
from contract.models.registry import TFLITE

__all__ = ["NAME", "LiteRT"]

NAME: Final = "litert"
MAX_BYTES: Final = 256 << 20
"""Of all tensors of a network together: ours needs 2 MB. A file of a kilobyte may ask for more than
there is."""

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
            content = (folder / TFLITE).read_bytes()
            self._interpreter: Any = Interpreter(model_content=content, num_threads=1)
            _bound(self._interpreter)
            self._interpreter.allocate_tensors()
        except (OSError, ValueError, RuntimeError) as error:
            raise ModelError(f"{TFLITE} cannot be loaded by LiteRT", got=error) from error
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
                f"{TFLITE} does not take one frame and give one number",
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


def _bound(interpreter: Any) -> None:  # noqa: ANN401 - LiteRT publishes no types
    """See what a network would take before it is given it.

    Raises:
        ModelError: it is too much.
    """
    needed = 0
    for tensor in interpreter.get_tensor_details():
        # The signature has -1 where the shape is left open, and the shape 1.
        size = int(np.prod(np.abs(tensor["shape"].astype(np.int64)), dtype=object))
        needed += size * np.dtype(tensor["dtype"]).itemsize
    if needed > MAX_BYTES:
        raise ModelError(
            f"{TFLITE} needs too much memory",
            got=f"tensors of {needed:,} bytes",
            remedy=f"At most {MAX_BYTES:,} are given",
        )
