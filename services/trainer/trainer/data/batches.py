"""Yields the batches of a training: as recorded, or shuffled and augmented for an epoch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from contract.dataset import frame_blocks
from contract.dataset.frame_blocks import BlockReader, Frames
from contract.frames import spec
from trainer.data import sampler, shared_memory
from trainer.data.augmentation import variation
from trainer.data.device.prefetch import DeviceBatch
from trainer.data.frame_source import FrameSource
from trainer.data.loader import Batch
from trainer.data.sampler import EpochOrder
from trainer.data.samples import SampleTable
from trainer.data.shared_memory import Records

Numbers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class BatchShare:
    """The part of each batch that one of several processes has: a contiguous piece.

    All pieces have the same number of places; those of the last ones may be empty.
    """

    rank: int = 0
    """Number of the process, from 0."""
    workers: int = 1
    """Number of processes."""

    def size(self, batch: int) -> int:
        """Return the number of places of a piece of a batch of this many samples."""
        return -(-batch // self.workers)

    def of(self, numbers: Numbers, batch: int) -> Numbers:
        """Return those numbers of a batch's samples that are in this process's piece.

        Args:
            numbers: (n,), numbers of the samples, fewer than `batch` in the last batch of an epoch.
            batch: number of samples in a whole batch.
        """
        first = self.rank * self.size(batch)
        return numbers[first : first + self.size(batch)]


WHOLE: Final = BatchShare()


@dataclass(frozen=True, eq=False)
class BatchSource:
    """Asks for the batches of one training."""

    table: SampleTable
    frames: FrameSource
    stores: Sequence[BlockReader]
    """The trainer's own handles on the stores, in the table's order."""
    batch: int
    """Number of samples in a batch."""
    shuffle: str
    """How an epoch is shuffled: "exact", "blocks" or "none"."""
    seed: int
    share: BatchShare = WHOLE
    """The part of each batch that this process asks for. The order is that of whole batches."""

    def recorded(self, numbers: Numbers) -> Iterator[Batch | DeviceBatch]:
        """Yield samples as they were recorded, in the order of the numbers."""
        batches = (
            numbers[start : start + self.batch] for start in range(0, len(numbers), self.batch)
        )
        return self.frames.batches(
            shared_memory.make_records(self.table.samples, self.share.of(batch, self.batch))
            for batch in batches
        )

    def whole_frames(self, numbers: Numbers) -> Frames:
        """Return the frames of some samples as stored, uint8 (n, 128, 128, 3)."""
        samples = self.table.samples[numbers]
        frames = np.empty((len(numbers), *spec.SHAPE), np.uint8)
        frame_blocks.gather(self.stores, samples["store"], samples["frame"], frames)
        return frames

    def epoch(self, epoch: int, first_batch: int) -> Iterator[Batch | DeviceBatch]:
        """Yield the augmented batches of an epoch from `first_batch` on, counted from 0."""
        return self.frames.batches(self._requests(self.order(epoch), epoch, first_batch))

    def order(self, epoch: int) -> EpochOrder:
        """Return the order of an epoch's samples."""
        numbers, samples = self._numbers(epoch), self.table.samples
        if self.shuffle == "blocks":
            return sampler.windowed_shuffle(numbers, samples[numbers], self.seed, epoch)
        if self.shuffle == "none":
            return sampler.storage_order(numbers, samples[numbers])
        return sampler.full_shuffle(numbers, self.seed, epoch)

    def _numbers(self, epoch: int) -> Numbers:
        """Return the samples of an epoch: all that train, or a part of the simulated ones."""
        table = self.table
        if not len(table.simulated):
            return table.train
        own = np.setdiff1d(table.train, table.simulated, assume_unique=True)
        count = table.simulated_per_epoch
        taken = sampler.take_turns(table.simulated, count, self.seed, epoch)
        return np.concatenate([own, taken])

    def _requests(self, order: EpochOrder, epoch: int, first_batch: int) -> Iterator[Records]:
        for numbers, windows in order.batches(self.batch, first_batch):
            for window in windows:
                self._read_ahead(order, window + 1)
            numbers = self.share.of(numbers, self.batch)
            keys = variation.sample_keys(self.seed, epoch, numbers)
            yield shared_memory.make_records(self.table.samples, numbers, keys)

    def _read_ahead(self, order: EpochOrder, window: int) -> None:
        """Let the disk read the blocks of a window before its samples are asked for."""
        if order.blocks is None or window >= len(order.blocks):
            return
        blocks = order.blocks[window]
        for number, store in enumerate(self.stores):
            store.readahead(blocks[blocks[:, 0] == number, 1])
