"""Orders the samples of an epoch: each occurs exactly once, and (seed, epoch) alone decide.

Of simulated laps beside a person's own recordings, an epoch takes only a part, and each epoch
another one, until all had their turn.

exact
    A permutation of all samples. Each frame is read from wherever it lies. This costs nothing on a
    disk that reads at random as fast as in order, or where the stores fit into memory.
blocks
    For stores far larger than memory on a slow disk. The blocks of the stores come in random order,
    WINDOW_BLOCKS or a tenth of all blocks at a time, and the samples of each such window are
    shuffled, as in CorgiPile (Xu et al., SIGMOD 2022). The disk reads whole blocks, one window
    ahead.
none
    The order of the frames in the stores. It shows how much shuffling helps.
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
USABLE_SHARE: Final = 0.8
"""Share of the free memory; stores within it stay in memory after the first epoch."""
FAST_FRAMES_PER_S: Final = 4000.0
"""Rate of random reads from the disk that keeps up with every CPU and nearly every GPU."""

Numbers = npt.NDArray[np.int64]
Samples = npt.NDArray[np.void]


@dataclass(frozen=True, eq=False)
class EpochOrder:
    """The order of an epoch's samples, and the blocks that they lie in.

    Args:
        numbers: (n,), numbers of the samples, in order.
        starts: (w,), index in `numbers` at which each window begins.
        blocks: for each window (b, 2), store and block; None where nothing needs reading ahead.
    """

    numbers: Numbers
    starts: Numbers
    blocks: list[npt.NDArray[np.int32]] | None = None

    def batches(self, size: int, first: int = 0) -> Iterator[tuple[Numbers, list[int]]]:
        """Yield the numbers of each batch from `first` on, and the windows that begin in it."""
        for start in range(first * size, len(self.numbers), size):
            end = start + size
            windows = np.flatnonzero((self.starts >= start) & (self.starts < end))
            yield self.numbers[start:end], windows.tolist()


def count_simulated(own: int, simulated: int, share: float) -> int:
    """Return how many simulated samples an epoch takes, so that they make up a share of it.

    If there are too few, it takes all of them.

    Args:
        own: number of samples of a person's own recordings, all of which an epoch takes.
        simulated: number of samples of simulated laps.
        share: share of the epoch, 0..1 but not 1.
    """
    return min(simulated, round(own * share / (1 - share)))


def take_turns(numbers: Numbers, count: int, seed: int, epoch: int) -> Numbers:
    """Return the samples that an epoch takes, (count,): the next ones of a shuffled circle.

    So after `len(numbers) / count` epochs each was taken, and none more often than another one by
    more than one.

    Args:
        numbers: numbers of the samples.
        count: number of samples that an epoch takes, at most all.
        seed: seed of the order of the circle.
        epoch: number of the epoch, from 1.
    """
    circle = np.random.default_rng([seed, 0x51A]).permutation(numbers)
    first = (epoch - 1) * count
    return circle[np.arange(first, first + count) % max(len(circle), 1)]


def full_shuffle(numbers: Numbers, seed: int, epoch: int) -> EpochOrder:
    """Return a permutation of the numbers of all samples."""
    shuffled = np.random.default_rng([seed, epoch]).permutation(numbers)
    return EpochOrder(shuffled, np.zeros(1, dtype=np.int64))


def windowed_shuffle(numbers: Numbers, samples: Samples, seed: int, epoch: int) -> EpochOrder:
    """Return the numbers, (n,), of `samples`, (n,), shuffled within windows of whole blocks."""
    rng = np.random.default_rng([seed, epoch])
    block = samples["frame"] // BLOCK_FRAMES
    pairs, block_of = np.unique(
        np.stack([samples["store"], block], axis=1), axis=0, return_inverse=True
    )
    width = min(len(pairs), max(WINDOW_BLOCKS, round(WINDOW_SHARE * len(pairs))))
    ranks = rng.permutation(len(pairs))
    window = ranks[block_of.reshape(-1)] // width
    order = np.lexsort((rng.random(len(numbers)), window))
    count = -(-len(pairs) // width)
    starts = np.searchsorted(window[order], np.arange(count))
    blocks = [pairs[(ranks // width) == number].astype(np.int32) for number in range(count)]
    return EpochOrder(numbers[order], starts.astype(np.int64), blocks)


def storage_order(numbers: Numbers, samples: Samples) -> EpochOrder:
    """Return the numbers, (n,), of `samples`, (n,), in the order of their frames."""
    order = np.lexsort((samples["frame"], samples["store"]))
    return EpochOrder(numbers[order], np.zeros(1, np.int64))


def exceeds_memory(frames: int, free_bytes: int) -> bool:
    """Tell whether this number of frames is too large to stay in memory between epochs."""
    return frames * spec.BYTES > USABLE_SHARE * free_bytes


def choose_strategy(frames: int, free_bytes: int, disk_frames_per_s: float) -> tuple[str, str]:
    """Return "exact" or "blocks", and the reason.

    Args:
        frames: number of frames in all stores.
        free_bytes: memory that may hold them.
        disk_frames_per_s: frames that the disk itself reads each second at random positions.
    """
    sizes = f"{frames * spec.BYTES / 1e9:.1f} GB of frames, {free_bytes / 1e9:.1f} GB of memory"
    rate = f"{disk_frames_per_s:,.0f} random frames/s"
    if not exceeds_memory(frames, free_bytes):
        return "exact", f"{sizes}: the frames stay in memory"
    if disk_frames_per_s >= FAST_FRAMES_PER_S:
        return "exact", f"{sizes}, but the disk reads {rate}"
    return "blocks", f"{sizes}, and the disk reads only {rate}"
