"""Reads and writes golden frames: frames that belong to a model, with its network's answers.

They show the service that loads a model whether the network gives the same answers there as on the
machine that made it. The trainer writes the file, and inference reads it as data. The file is an
.npz archive with two arrays of known shapes, stored without compression.
"""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final

import numpy as np
import numpy.typing as npt

from contract.errors import ModelError
from contract.frames.spec import CHANNELS, HEIGHT, WIDTH

__all__ = ["COUNT", "FILE", "TOLERANCE", "Golden", "read", "write"]

FILE: Final = "golden.npz"
COUNT: Final = 8
"""Number of golden frames of a version."""
TOLERANCE: Final = 1e-3
"""Largest allowed difference in steering, -1..1, which is 0.025 degrees at the wheels.

For answers beyond -1..1 it is relative to the largest of them."""

LAYOUT: Final[dict[str, tuple[tuple[int, ...], np.dtype[Any]]]] = {
    "frames": ((COUNT, HEIGHT, WIDTH, CHANNELS), np.dtype(np.uint8)),
    "steering": ((COUNT,), np.dtype(np.float32)),
}
"""Shape and type of each array in the file."""


@dataclass(frozen=True)
class Golden:
    """Holds COUNT frames, and the steering that the network answered to each."""

    frames: npt.NDArray[np.uint8]
    """RGB, shape (COUNT, 128, 128, 3)."""
    steering: npt.NDArray[np.float32]
    """Output of the network without clamping, shape (COUNT,)."""


def write(path: Path, frames: npt.NDArray[np.uint8], steering: npt.NDArray[np.float32]) -> None:
    """Write COUNT frames at even distances, and the network's answers to them.

    Args:
        path: path of the file.
        frames: frames, shape (n, 128, 128, 3); if n is less than COUNT, some are written twice or
            more.
        steering: output of the network for each frame, shape (n,).
    """
    selected = np.linspace(0, len(frames) - 1, COUNT).round().astype(int)
    with path.open("wb") as file:
        np.savez(file, frames=frames[selected], steering=steering[selected].astype(np.float32))


def read(path: Path) -> Golden:
    """Read golden frames from a file that is not trusted.

    The shapes in the file are compared with the known shapes before any memory is allocated.

    Raises:
        ModelError: the file is missing or holds something else.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            arrays = {name: _array(archive, name) for name in LAYOUT}
    except (OSError, ValueError, KeyError, zipfile.BadZipFile, NotImplementedError) as error:
        raise ModelError(
            f"{path.name} holds no golden frames", got=error, remedy="Train or import again"
        ) from error
    return Golden(**arrays)


def _array(archive: zipfile.ZipFile, name: str) -> npt.NDArray[Any]:
    shape, dtype = LAYOUT[name]
    size = int(np.prod(shape)) * dtype.itemsize
    with archive.open(f"{name}.npy") as member:
        header = _header(member)
        if header != (shape, False, dtype):
            raise ValueError(f"{name} is {header}, not {(shape, False, dtype)}")
        content = member.read(size)
    if len(content) != size:
        raise ValueError(f"{name} has {len(content)} bytes, not {size}")
    return np.asarray(np.frombuffer(content, dtype)).reshape(shape)


def _header(member: IO[bytes]) -> tuple[Any, ...]:
    if np.lib.format.read_magic(member) != (1, 0):
        raise ValueError("an array of another format")
    return np.lib.format.read_array_header_1_0(member)
