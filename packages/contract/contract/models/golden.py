"""Golden frames: pictures that travel with a model, and what its network answered to them.

Whoever loads the model can so see that it answers there as it did where it was made. The file is
written by the trainer and read as data by inference; it is an .npz that NumPy reads, of two arrays
of known shape, stored without compression.
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
TOLERANCE: Final = 1e-3
"""Largest difference in steering, -1..1, on another machine: 0.025 degrees at the wheels."""

LAYOUT: Final[dict[str, tuple[tuple[int, ...], np.dtype[Any]]]] = {
    "frames": ((COUNT, HEIGHT, WIDTH, CHANNELS), np.dtype(np.uint8)),
    "steering": ((COUNT,), np.dtype(np.float32)),
}


@dataclass(frozen=True)
class Golden:
    """COUNT frames and the steering that the network answered to each."""

    frames: npt.NDArray[np.uint8]
    """(COUNT, 128, 128, 3), RGB."""
    steering: npt.NDArray[np.float32]
    """(COUNT,), as the network said it: not clamped."""


def write(path: Path, frames: npt.NDArray[np.uint8], steering: npt.NDArray[np.float32]) -> None:
    """Write COUNT of the frames, evenly chosen, and the answers to them.

    Args:
        path: of the file.
        frames: (n, 128, 128, 3); of fewer than COUNT some are written more than once.
        steering: (n,), the network's answers.
    """
    chosen = np.linspace(0, len(frames) - 1, COUNT).round().astype(int)
    with path.open("wb") as file:
        np.savez(file, frames=frames[chosen], steering=steering[chosen].astype(np.float32))


def read(path: Path) -> Golden:
    """Read golden frames from a file that may be anything.

    Nothing is allocated on the word of the file: its shapes are compared with the known ones first.

    Raises:
        ModelError: it is missing, or holds anything else.
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
        found = _header(member)
        if found != (shape, False, dtype):
            raise ValueError(f"{name} is {found}, not {(shape, False, dtype)}")
        content = member.read(size)
    if len(content) != size:
        raise ValueError(f"{name} has {len(content)} bytes, not {size}")
    return np.asarray(np.frombuffer(content, dtype)).reshape(shape)


def _header(member: IO[bytes]) -> tuple[Any, ...]:
    if np.lib.format.read_magic(member) != (1, 0):
        raise ValueError("an array of another format")
    return np.lib.format.read_array_header_1_0(member)
