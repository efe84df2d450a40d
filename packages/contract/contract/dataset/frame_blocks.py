"""The frames in a store's file: raw stretches of bytes, read where they lie, in any order.

Needs no HDF5: who opens the store (store.py) learns from it where the blocks are, and may hand that
to any number of processes. Frames are read by `preadv`, not through a memory map: a map counts
every page that was ever touched as the process's own, and a truncated file under a map kills the
process instead of telling it. docs/adr/0002-store.md has the figures.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

import numpy as np
import numpy.typing as npt
import xxhash

from contract.errors import StoreError
from contract.frames import spec

__all__ = ["BLOCK_FRAMES", "BlockLayout", "BlockReader", "Frames", "Numbers", "checksum"]

BLOCK_FRAMES: Final = 32
"""Frames in a block: 1.5 MB, so that a checksum names a small place and costs one read."""

Frames = npt.NDArray[np.uint8]
Numbers = npt.NDArray[np.integer[Any]]


def checksum(block: Frames) -> str:
    """Return the checksum of a block's bytes, in hex: XXH3, 128 bits.

    It tells a damaged disk from a sound one, at ten times the speed of a digest that would also
    tell a forger from the author.
    """
    return str(xxhash.xxh3_128_hexdigest(block.data))


@dataclass(frozen=True, eq=False)
class BlockLayout:
    """Where a store's frames lie.

    Args:
        path: of the file.
        frames: how many there are.
        block_frames: of them in each block but the last.
        offsets: (blocks,), where each block begins, in bytes.
    """

    path: Path
    frames: int
    block_frames: int
    offsets: npt.NDArray[np.int64]


class BlockReader:
    """An open store's frames. Owns a file descriptor; close it, or use it in `with`.

    Raises:
        StoreError: the file cannot be opened.
    """

    def __init__(self, place: BlockLayout) -> None:
        self._place = place
        try:
            self._file = os.open(place.path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError as error:
            raise StoreError(
                f"the store {place.path.name} cannot be read",
                got=error.strerror,
                remedy="Import the recording again",
            ) from error

    def gather(self, numbers: Numbers, out: Frames, places: Numbers | None = None) -> None:
        """Copy frames into `out`, uint8 of shape (n, 128, 128, 3).

        Args:
            numbers: (m,), of the frames.
            out: where they go; m = n unless there are places.
            places: (m,), which of `out` each one becomes; None: in their order.

        Raises:
            StoreError: the file has become shorter, or the disk does not give it back.
        """
        place = self._place
        whole, rest = np.divmod(numbers, place.block_frames)
        offsets = (place.offsets[whole] + rest * spec.BYTES).tolist()
        rows = out.reshape(len(out), spec.BYTES)
        into = range(len(out)) if places is None else places.tolist()
        for row, offset in zip(into, offsets, strict=True):
            self._read(rows[row], offset)

    def block(self, number: int) -> Frames:
        """Return the bytes of a block, the last one's without padding: uint8 (n,).

        Raises:
            StoreError: as `gather`.
        """
        place = self._place
        count = min(place.block_frames, place.frames - number * place.block_frames)
        out = np.empty(count * spec.BYTES, dtype=np.uint8)
        self._read(out, int(place.offsets[number]))
        return out

    def _read(self, out: Frames, offset: int) -> None:
        try:
            got = os.preadv(self._file, [out.data], offset)
        except OSError as error:
            raise self._lost(error.strerror) from error
        if got != out.nbytes:
            raise self._lost(f"{got} of {out.nbytes} bytes at {offset}")

    def _lost(self, got: object) -> StoreError:
        return StoreError(
            f"the store {self._place.path.name} cannot be read any more",
            got=got,
            remedy="Remove it and import the recording again",
        )

    def readahead(self, numbers: Numbers) -> None:
        """Let the kernel read these blocks ahead, while something else is done."""
        length = self._place.block_frames * spec.BYTES
        if hasattr(os, "posix_fadvise"):  # macOS has none: a hint less
            for offset in self._place.offsets[numbers].tolist():
                os.posix_fadvise(self._file, offset, length, os.POSIX_FADV_WILLNEED)

    def drop_cache(self) -> None:
        """Let the kernel drop what it holds of the file in memory: to time the disk itself."""
        if hasattr(os, "posix_fadvise"):
            os.posix_fadvise(self._file, 0, 0, os.POSIX_FADV_DONTNEED)

    def close(self) -> None:
        """Close the file; harmless when it is closed already."""
        if self._file >= 0:
            os.close(self._file)
        self._file = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()
