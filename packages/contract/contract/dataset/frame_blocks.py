"""Reads frames from a store's file in any order, without HDF5.

The frames lie in the file as uncompressed blocks. `store.StoreReader` asks HDF5 where each block
begins. That layout can be passed to any number of processes, which read the file without HDF5.

Frames are read with `preadv`, not through a memory map. Memory that a process has read through a
map counts as its own, and a truncated file under a map kills the process instead of raising an
error. docs/adr/0002-store.md has the figures.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

import numpy as np
import numpy.typing as npt
import xxhash

from contract.errors import StoreError
from contract.frames import spec
from contract.frames.row_range import ALL_ROWS, RowRange
from contract.storage.block_copies import BlockCopies, RemoteBlocks

__all__ = [
    "BLOCK_FRAMES",
    "BlockLayout",
    "BlockReader",
    "Frames",
    "Numbers",
    "checksum",
    "gather",
]

BLOCK_FRAMES: Final = 32
"""Number of frames in a block, which has 1.5 MB.

A checksum of a block points to a small part of the file, and checking it takes one read."""

Frames = npt.NDArray[np.uint8]
Numbers = npt.NDArray[np.integer[Any]]


def checksum(block: Frames) -> str:
    """Return the 128-bit XXH3 checksum of a block's bytes as hexadecimal digits.

    It detects damage by a disk, at ten times the speed of a cryptographic digest. It does not
    detect deliberate changes.
    """
    return str(xxhash.xxh3_128_hexdigest(block.data))


@dataclass(frozen=True, eq=False)
class BlockLayout:
    """Says where the frames of a store lie in its file.

    Args:
        path: path of the store's file.
        frames: number of frames in the store.
        block_frames: number of frames in each block except the last.
        offsets: position of each block in the file in bytes, shape (blocks,).
        remote: where the blocks are read from instead, if the file does not stay on this machine.
    """

    path: Path
    frames: int
    block_frames: int
    offsets: npt.NDArray[np.int64]
    remote: RemoteBlocks | None = None


class BlockReader:
    """Reads the frames of one store.

    It owns a file descriptor: close it, or use it in a `with` block.

    Raises:
        StoreError: the file cannot be opened.
    """

    def __init__(self, layout: BlockLayout) -> None:
        self._layout = layout
        self._copies = None if layout.remote is None else layout.remote.open()
        self._file = -1
        if self._copies is not None:
            return
        try:
            self._file = os.open(layout.path, os.O_RDONLY)  # no child inherits it (PEP 446)
        except OSError as error:
            raise StoreError(
                f"the store {layout.path.name} cannot be read",
                got=error.strerror,
                remedy="Import the recording again",
            ) from error

    def gather(
        self,
        numbers: Numbers,
        out: Frames,
        positions: Numbers | None = None,
        rows: RowRange = ALL_ROWS,
    ) -> None:
        """Copy frames, or some rows of each, into `out`, uint8 of shape (n, rows, 128, 3).

        Args:
            numbers: frame numbers, shape (m,).
            out: contiguous array that receives the frames; m is n if there are no positions.
            positions: index in `out` of each frame, shape (m,); None keeps their order.
            rows: the rows of each frame that are read.

        Raises:
            StoreError: the file has become shorter, or the disk cannot read it.
        """
        layout, size = self._layout, rows.byte_count
        if self._copies is not None:
            self._gather_copies(self._copies, numbers, out, positions, rows)
            return
        block, frame_in_block = np.divmod(numbers, layout.block_frames)
        offsets = layout.offsets[block] + frame_in_block * spec.BYTES + rows.start_byte
        places = np.arange(len(out)) if positions is None else positions
        memory = out.reshape(out.size, copy=False).data
        file, preadv = self._file, os.preadv
        # These few calls are all that is done for each frame: docs/adr/0003-stream.md.
        try:
            for start, offset in zip((places * size).tolist(), offsets.tolist(), strict=True):
                count = preadv(file, [memory[start : start + size]], offset)
                if count != size:
                    raise self._read_error(f"{count} of {size} bytes at {offset}")
        except OSError as error:
            raise self._read_error(error.strerror) from error

    def _gather_copies(
        self,
        copies: BlockCopies,
        numbers: Numbers,
        out: Frames,
        positions: Numbers | None,
        rows: RowRange,
    ) -> None:
        """Do the work of `gather` from copies of the blocks, each of which is opened once."""
        size, memory = rows.byte_count, out.reshape(out.size, copy=False).data
        places = np.arange(len(out)) if positions is None else positions
        blocks, frames_in_block = np.divmod(numbers, self._layout.block_frames)
        for block in np.unique(blocks).tolist():
            chosen = np.flatnonzero(blocks == block)
            starts = (places[chosen] * size).tolist()
            offsets = (frames_in_block[chosen] * spec.BYTES + rows.start_byte).tolist()
            with self._opened(copies, block) as file:
                for start, offset in zip(starts, offsets, strict=True):
                    count = os.preadv(file, [memory[start : start + size]], offset)
                    if count != size:
                        raise self._read_error(f"{count} of {size} bytes of block {block}")

    @contextmanager
    def _opened(self, copies: BlockCopies, number: int) -> Iterator[int]:
        size = self._block_frames(number) * spec.BYTES
        file = copies.open(number, int(self._layout.offsets[number]), size)
        try:
            yield file
        except OSError as error:
            raise self._read_error(error.strerror) from error
        finally:
            os.close(file)

    def _block_frames(self, number: int) -> int:
        layout = self._layout
        return min(layout.block_frames, layout.frames - number * layout.block_frames)

    def block(self, number: int) -> Frames:
        """Return the bytes of a block, uint8 (n,), without the padding of the last block.

        Raises:
            StoreError: the file has become shorter, or the disk cannot read it.
        """
        out = np.empty(self._block_frames(number) * spec.BYTES, dtype=np.uint8)
        if self._copies is None:
            self._read(self._file, out, int(self._layout.offsets[number]))
        else:
            with self._opened(self._copies, number) as file:
                self._read(file, out, 0)
        return out

    def _read(self, file: int, out: Frames, offset: int) -> None:
        try:
            count = os.preadv(file, [out.data], offset)
        except OSError as error:
            raise self._read_error(error.strerror) from error
        if count != out.nbytes:
            raise self._read_error(f"{count} of {out.nbytes} bytes at {offset}")

    def _read_error(self, got: object) -> StoreError:
        return StoreError(
            f"the store {self._layout.path.name} cannot be read any more",
            got=got,
            remedy="Remove it and import the recording again",
        )

    def readahead(self, numbers: Numbers) -> None:
        """Ask the kernel to read these blocks into memory in the background.

        Copies of blocks are not fetched ahead: in a cache that holds little more than the blocks of
        one window, those of the next would take the room of those that are still to be read.
        """
        if self._copies is not None:
            return
        length = self._layout.block_frames * spec.BYTES
        if hasattr(os, "posix_fadvise"):  # macOS has no such call
            for offset in self._layout.offsets[numbers].tolist():
                os.posix_fadvise(self._file, offset, length, os.POSIX_FADV_WILLNEED)

    def drop_cache(self) -> None:
        """Ask the kernel to drop the file from its cache, so that the disk itself is timed."""
        if self._copies is None and hasattr(os, "posix_fadvise"):
            os.posix_fadvise(self._file, 0, 0, os.POSIX_FADV_DONTNEED)

    def close(self) -> None:
        """Close the file; closing it twice does no harm."""
        if self._file >= 0:
            os.close(self._file)
        self._file = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()


def gather(
    stores: Sequence[BlockReader],
    store_of: Numbers,
    numbers: Numbers,
    out: Frames,
    rows: RowRange = ALL_ROWS,
) -> None:
    """Copy frames of several stores, or some rows of each frame, into `out`.

    Args:
        stores: the stores.
        store_of: index of the store of each frame, shape (n,).
        numbers: number of each frame in its store, shape (n,).
        out: contiguous uint8 (n, rows, 128, 3).
        rows: the rows of each frame that are read.

    Raises:
        StoreError: a file has become shorter, or the disk cannot read it.
    """
    if (store_of == store_of[0]).all():
        stores[store_of[0]].gather(numbers, out, None, rows)
        return
    for store in np.unique(store_of).tolist():
        of_store = np.flatnonzero(store_of == store)
        stores[store].gather(numbers[of_store], out, of_store, rows)
