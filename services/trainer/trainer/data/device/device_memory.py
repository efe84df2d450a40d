"""Keeps all frames of a training in the memory of the device, and gathers batches there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import keras
import numpy as np

from contract.dataset.frame_blocks import Frames
from contract.dataset.store import StoreReader
from contract.frames.row_range import RowRange
from trainer.data.augmentation.device_augmentation import DeviceAugmentation, Tensor
from trainer.data.augmentation.variation import Augmentation
from trainer.data.device import compiler
from trainer.data.device.prefetch import DeviceBatch, prefetch
from trainer.data.shared_memory import Records


class DeviceMemory:
    """Gives batches of frames that lie in the memory of the device.

    The rows of all frames are loaded once. After that, a batch costs the host only the
    numbers of its frames, and how they are varied.

    Args:
        stores: the stores, in the order in which records number them.
        augmentation: how the samples that have a key are varied.
        rows: the rows of the frames that are loaded.

    Raises:
        StoreError: a block of a store is damaged.
    """

    def __init__(
        self, stores: Sequence[StoreReader], augmentation: Augmentation, rows: RowRange
    ) -> None:
        self._augmentation = DeviceAugmentation(augmentation, rows)
        counts = [reader.layout.frames for reader in stores]
        self._first = np.cumsum([0, *counts[:-1]])
        """Number of each store's first frame among all frames, (stores,)."""
        self._frames = keras.ops.convert_to_tensor(_read(stores, sum(counts), rows))
        self._gather = compiler.compiled(_gathered)

    def batches(self, requests: Iterable[Records]) -> Iterator[DeviceBatch]:
        """Yield a batch for each request, in their order."""
        return prefetch(self._batches(requests))

    def _batches(self, requests: Iterable[Records]) -> Iterator[tuple[Any, Any, Any]]:
        for records in requests:
            numbers = self._first[records["store"]] + records["frame"]
            index = keras.ops.convert_to_tensor(numbers.astype(np.int32))
            frames = self._gather(self._frames, index)
            yield records["number"].copy(), *self._augmentation.apply(records, frames)


def _read(stores: Sequence[StoreReader], count: int, rows: RowRange) -> Frames:
    """Return these rows of all frames, uint8 (count, rows, 128, 3)."""
    frames = np.empty((count, *rows.shape), np.uint8)
    start = 0
    for reader in stores:
        for block in reader.verified_blocks():
            frames[start : start + len(block)] = block[:, rows.slice]
            start += len(block)
    return frames


def _gathered(frames: Tensor, numbers: Tensor) -> Tensor:
    return keras.ops.take(frames, numbers, axis=0)
