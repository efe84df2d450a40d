"""The order of an epoch: every sample exactly once, by (seed, epoch) alone.

exact
    A permutation of all samples. A frame is one read wherever it lies, so on a disk that reads
    anywhere as fast, and wherever the stores fit into memory, it costs nothing.
blocks
    For stores far larger than memory on a slow disk: blocks of the stores in random order, and
    the samples of WINDOW_BLOCKS or a tenth of all blocks at a time shuffled among themselves, as
    CorgiPile does (Xu et al., SIGMOD 2022). The disk reads whole blocks, the next window ahead.
none
    As the frames lie in the stores: to see what shuffling is worth.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from contract.dataset.frame_blocks import BLOCK_FRAMES
from contract.frames import spec

WINDOW_SHARE: Final = 0.1
WINDOW_BLOCKS: Final = 128
ENOUGH: Final = 0.8
"""Of the memory that is free: stores that need no more stay in it after the first epoch."""
FAST_FRAMES_PER_S: Final = 4000.0
"""Random frames a second from the disk itself with which no CPU and hardly a GPU waits."""

Numbers = npt.NDArray[np.int64]
Samples = npt.NDArray[np.void]


@dataclass(frozen=True, eq=False)
class Order:
    """The samples of an epoch, and the blocks that they come from.

    Args:
        numbers: (n,), of the samples, in their order.
        starts: (w,), where in `numbers` each window begins.
        blocks: of each window: (b, 2), store and block; None where no reading ahead is needed.
    """

    numbers: Numbers
    starts: Numbers
    blocks: list[npt.NDArray[np.int32]] | None = None

    def batches(self, size: int, first: int = 0) -> Iterator[tuple[Numbers, list[int]]]:
        """Yield the numbers of each batch from the `first` on, and which windows begin in it."""
        for start in range(first * size, len(self.numbers), size):
            end = start + size
            begun = np.flatnonzero((self.starts >= start) & (self.starts < end))
            yield self.numbers[start:end], begun.tolist()


def exact(numbers: Numbers, seed: int, epoch: int) -> Order:
    """Return a permutation of the numbers of all samples."""
    shuffled = np.random.default_rng([seed, epoch]).permutation(numbers)
    return Order(shuffled, np.zeros(1, dtype=np.int64))


def blocked(numbers: Numbers, samples: Samples, seed: int, epoch: int) -> Order:
    """Return the numbers, (n,), of `samples`, (n,), shuffled within windows of whole blocks."""
    chance = np.random.default_rng([seed, epoch])
    block = samples["frame"] // BLOCK_FRAMES
    pairs, block_of = np.unique(
        np.stack([samples["store"], block], axis=1), axis=0, return_inverse=True
    )
    width = min(len(pairs), max(WINDOW_BLOCKS, round(WINDOW_SHARE * len(pairs))))
    ranks = chance.permutation(len(pairs))
    window = ranks[block_of.reshape(-1)] // width
    order = np.lexsort((chance.random(len(numbers)), window))
    count = -(-len(pairs) // width)
    starts = np.searchsorted(window[order], np.arange(count))
    blocks = [pairs[(ranks // width) == each].astype(np.int32) for each in range(count)]
    return Order(numbers[order], starts.astype(np.int64), blocks)


def unshuffled(numbers: Numbers, samples: Samples) -> Order:
    """Return the numbers, (n,), of `samples`, (n,), in the order of their frames."""
    return Order(numbers[np.lexsort((samples["frame"], samples["store"]))], np.zeros(1, np.int64))


def exceeds(frames: int, free_bytes: int) -> bool:
    """Tell whether so many frames do not stay in memory from one epoch to the next."""
    return frames * spec.BYTES > ENOUGH * free_bytes


def choose(frames: int, free_bytes: int, disk_frames_per_s: float) -> tuple[str, str]:
    """Return "exact" or "blocks", and why.

    Args:
        frames: of all stores.
        free_bytes: of memory that may hold them.
        disk_frames_per_s: what the disk reads at random, past the memory.
    """
    sizes = f"{frames * spec.BYTES / 1e9:.1f} GB of frames, {free_bytes / 1e9:.1f} GB of memory"
    if not exceeds(frames, free_bytes):
        return "exact", f"{sizes}: they stay in it"
    if disk_frames_per_s >= FAST_FRAMES_PER_S:
        return "exact", f"{sizes}, but the disk reads {disk_frames_per_s:,.0f} frames/s anywhere"
    return "blocks", f"{sizes}, and the disk reads only {disk_frames_per_s:,.0f} frames/s anywhere"
