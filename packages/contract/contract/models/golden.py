"""Reads and writes golden frames: frames that belong to a model, with its network's answers.

They show the service that loads a model whether the network gives the same answers there as on the
machine that made it. The trainer writes the file, and inference reads it as data. The file is an
.npz archive with two arrays of known shapes, stored without compression: `frames` and `steering`.
That of a network that has learned the speed has a third, `speed`.

The frames of a model that was trained here are those of a store. The frames of an imported model
are pictures of the simulator's size, so that the check covers their preparation too.
"""

from __future__ import annotations

import io
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final

import numpy as np
import numpy.typing as npt

from contract.errors import ModelError
from contract.frames.spec import CHANNELS, HEIGHT, WIDTH
from contract.vehicle import IMAGE_HEIGHT, IMAGE_WIDTH

__all__ = ["COUNT", "FILE", "TOLERANCE", "Golden", "read", "write"]

FILE: Final = "golden.npz"
COUNT: Final = 8
"""Number of golden frames of a version."""
TOLERANCE: Final = 1e-3
"""Largest allowed difference in steering, -1..1, which is 0.025 degrees at the wheels.

For answers beyond -1..1 it is relative to the largest of them."""

Layout = tuple[tuple[int, ...], np.dtype[Any]]
"""Shape and type of an array."""
LAYOUTS: Final[dict[str, tuple[Layout, ...]]] = {
    "frames": tuple(
        ((COUNT, *size, CHANNELS), np.dtype(np.uint8))
        for size in ((HEIGHT, WIDTH), (IMAGE_HEIGHT, IMAGE_WIDTH))
    ),
    "steering": (((COUNT,), np.dtype(np.float32)),),
    "speed": (((COUNT,), np.dtype(np.float32)),),
}
"""Shapes and types that each array in the file may have."""
OUTPUTS: Final = ("steering", "speed")
"""The arrays with the numbers of the network, in its order; a file need not have the last."""


@dataclass(frozen=True)
class Golden:
    """Holds COUNT frames, and what the network answered to each."""

    frames: npt.NDArray[np.uint8]
    """RGB, shape (COUNT, 128, 128, 3) or (COUNT, 160, 320, 3).

    A network is given what `contract.frames.preprocess.fit` makes of them."""
    answers: npt.NDArray[np.float32]
    """Output of the network without clamping, shape (COUNT, 1), or (COUNT, 2) with the speed."""


def write(path: Path, frames: npt.NDArray[np.uint8], answers: npt.NDArray[np.float32]) -> None:
    """Write COUNT frames at even distances, and the network's answers to them.

    Args:
        path: path of the file.
        frames: RGB, shape (n, 128, 128, 3) or (n, 160, 320, 3); if n is less than COUNT, some are
            written twice or more.
        answers: output of the network for each frame, after its preparation, shape (n, 1), or
            (n, 2) with the speed.
    """
    selected = np.linspace(0, len(frames) - 1, COUNT).round().astype(int)
    numbers = answers[selected].astype(np.float32)
    arrays: dict[str, Any] = dict(zip(OUTPUTS, numbers.T, strict=False))
    with path.open("wb") as file:
        np.savez(file, frames=frames[selected], **arrays)


def read(path: Path) -> Golden:
    """Read golden frames from a file that is not trusted.

    The shapes in the file are compared with the known shapes before any memory is allocated.

    Raises:
        ModelError: the file is missing or holds something else.
        OSError: the file cannot be read now.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError as error:
        raise _no_frames(path, error) from error
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            frames, numbers = _array(archive, "frames"), [_array(archive, OUTPUTS[0])]
            if f"{OUTPUTS[1]}.npy" in archive.namelist():
                numbers.append(_array(archive, OUTPUTS[1]))
            return Golden(frames, np.stack(numbers, axis=1))
    except MemoryError:
        raise
    except Exception as error:  # of bytes in memory, so it is their fault, whatever a library says
        raise _no_frames(path, error) from error


def _no_frames(path: Path, error: Exception) -> ModelError:
    return ModelError(
        f"{path.name} holds no golden frames", got=error, remedy="Train or import again"
    )


def _array(archive: zipfile.ZipFile, name: str) -> npt.NDArray[Any]:
    with archive.open(f"{name}.npy") as member:
        found, fortran_order, found_dtype = _header(member)
        if fortran_order or (found, found_dtype) not in LAYOUTS[name]:
            expected = " or ".join(f"{shape} {dtype}" for shape, dtype in LAYOUTS[name])
            order = " in Fortran's order" if fortran_order else ""
            raise ValueError(f"{name} is {found} {found_dtype}{order}, not {expected}")
        shape, dtype = next(layout for layout in LAYOUTS[name] if layout[0] == found)
        size = int(np.prod(shape)) * dtype.itemsize
        content = member.read(size)
    if len(content) != size:
        raise ValueError(f"{name} has {len(content)} bytes, not {size}")
    return np.asarray(np.frombuffer(content, dtype)).reshape(shape)


def _header(member: IO[bytes]) -> tuple[Any, ...]:
    if np.lib.format.read_magic(member) != (1, 0):
        raise ValueError("an array of another format")
    return np.lib.format.read_array_header_1_0(member)
