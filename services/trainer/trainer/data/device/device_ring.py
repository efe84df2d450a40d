"""Takes recorded frames from the reader processes, and varies them on the device."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from typing import Any

import keras

from contract.frames.row_range import RowRange
from trainer.data.augmentation.device_augmentation import DeviceAugmentation
from trainer.data.augmentation.variation import Augmentation
from trainer.data.device.prefetch import DeviceBatch, prefetch
from trainer.data.loader import DataLoader
from trainer.data.shared_memory import Records


class DeviceRing:
    """Gives batches of frames that are moved to the device while it computes on the batch before.

    Args:
        loader: reads the frames as they were recorded; two of its batches are in use at a time.
        augmentation: how the samples that have a key are varied.
        rows: the rows of the frames that the loader reads.
    """

    def __init__(self, loader: DataLoader, augmentation: Augmentation, rows: RowRange) -> None:
        self._loader = loader
        self._augmentation = DeviceAugmentation(augmentation, rows)

    def batches(self, requests: Iterable[Records]) -> Iterator[DeviceBatch]:
        """Yield a batch for each request, in their order.

        Raises:
            TrainingError: a reader failed; the message gives its reason.
            ReaderDiedError: a reader was killed.
        """
        return prefetch(self._batches(requests))

    def _batches(self, requests: Iterable[Records]) -> Iterator[tuple[Any, Any, Any]]:
        asked: deque[Records] = deque()

        def recorded() -> Iterator[Records]:
            for records in requests:
                asked.append(records)
                plain = records.copy()
                plain["key"], plain["flip"] = 0, False
                yield plain

        # The loader asks for several batches ahead, and answers in the order of the requests.
        for batch in self._loader.batches(recorded()):
            frames = keras.ops.convert_to_tensor(batch.frames)
            varied = self._augmentation.apply(asked.popleft(), frames)
            yield batch.numbers, *varied
