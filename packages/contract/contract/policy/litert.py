"""Computes answers with the LiteRT file of a version, one frame at a time on one thread.

A frame takes 0.65 ms, the file is loaded in milliseconds, and the image needs no TensorFlow. Eight
frames in a batch take as long as eight single frames, so there are no batches.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from ai_edge_litert.interpreter import Interpreter

from contract.errors import ModelError
from contract.frames.spec import SHAPE
from contract.models.registry import TFLITE

__all__ = ["LiteRT"]

MAX_BYTES: Final = 256 << 20
"""Maximum size of all tensors of a network together; ours needs 2 MB.

A file of one kilobyte may ask for more memory than the machine has."""
INPUT_TYPES: Final = (np.dtype(np.uint8), np.dtype(np.float32))
"""Types of input that a file may have; the converter keeps the type of the network."""
OUTPUT_COUNTS: Final = (1, 2)
"""Numbers that a file may give: the steering, or the steering and the speed (answer.py)."""


class LiteRT:
    """Holds the loaded LiteRT file of a version; only one thread may use it at a time.

    Attributes:
        content: the file.
    """

    name = "litert"

    def __init__(self, folder: Path, shape: tuple[int, int, int] = SHAPE) -> None:
        """Load the LiteRT file of the version in `folder`.

        Args:
            folder: folder of the version.
            shape: height, width and channels of the frame that the version is given.

        Raises:
            ModelError: the file is not a LiteRT model, needs too much memory, or does not take one
                frame and give one number.
            OSError: the file cannot be read now.
        """
        try:
            # The file is read into memory: damage to a mapped file would kill the process.
            self.content = (folder / TFLITE).read_bytes()
            self._interpreter: Any = Interpreter(model_content=self.content, num_threads=1)
            _check_memory(self._interpreter)
            self._interpreter.allocate_tensors()
        except (FileNotFoundError, ValueError, RuntimeError) as error:
            raise ModelError(
                f"{TFLITE} cannot be loaded by LiteRT",
                got=error,
                remedy="Promote another version, or train again",
            ) from error
        inputs = self._interpreter.get_input_details()
        outputs = self._interpreter.get_output_details()
        tensors = [*inputs, *outputs]
        shapes = [tuple(int(size) for size in tensor["shape"]) for tensor in tensors]
        types = [np.dtype(tensor["dtype"]) for tensor in tensors]
        expected = [[(1, *shape), (1, count)] for count in OUTPUT_COUNTS]
        if shapes not in expected or types[0] not in INPUT_TYPES or types[1] != np.float32:
            raise ModelError(
                f"{TFLITE} does not take one frame and give a steering, or a steering and a speed",
                got=f"shapes {shapes}, types {[str(dtype) for dtype in types]}",
                remedy=f"The version's frame has the shape {shape}: promote another version, or "
                "train again",
            )
        self._input, self._type = inputs[0]["index"], types[0]
        self._output = outputs[0]["index"]
        self._count = shapes[1][1]

    def predict(self, frames: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        """Return the numbers, float32 (n, count), for frames, uint8 (n, *shape)."""
        numbers = np.empty((len(frames), self._count), dtype=np.float32)
        # Pixels stay 0..255: cropping and scaling are layers of the network.
        pixels = frames.astype(self._type, copy=False)
        for number in range(len(frames)):
            self._interpreter.set_tensor(self._input, pixels[number : number + 1])
            self._interpreter.invoke()
            numbers[number] = self._interpreter.get_tensor(self._output)[0]
        return numbers


def _check_memory(interpreter: Any) -> None:  # noqa: ANN401 - LiteRT publishes no types
    """Compute how much memory a network needs, before the memory is allocated.

    Raises:
        ModelError: the network needs more than MAX_BYTES.
    """
    needed = 0
    for tensor in interpreter.get_tensor_details():
        # A size that the network leaves open is -1 in the signature and 1 in the shape.
        size = int(np.prod(np.abs(tensor["shape"].astype(np.int64)), dtype=object))
        needed += size * np.dtype(tensor["dtype"]).itemsize
    if needed > MAX_BYTES:
        raise ModelError(
            f"{TFLITE} needs too much memory",
            got=f"tensors of {needed:,} bytes",
            remedy=f"The maximum is {MAX_BYTES:,} bytes: promote another version",
        )
