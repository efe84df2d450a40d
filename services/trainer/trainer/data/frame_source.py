"""Chooses where the frames of a training are kept and varied, and opens them.

Without an accelerator, reader processes read each frame from its file and vary it on the CPU
(loader.py). With one, it varies the frames itself. They are in its memory if they fit there
(device/device_memory.py), and else the readers give them as they were recorded
(device/device_ring.py). The order of the batches, their numbers and their labels are the same.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Protocol

from contract.dataset.store import StoreReader
from contract.frames.row_range import RowRange
from trainer.data import storage_probe
from trainer.data.augmentation.variation import Augmentation
from trainer.data.device import placement, prefetch
from trainer.data.device.device_memory import DeviceMemory
from trainer.data.device.device_ring import DeviceRing
from trainer.data.device.prefetch import DeviceBatch
from trainer.data.loader import Batch, DataLoader
from trainer.data.shared_memory import Records

log = logging.getLogger(__name__)


class FrameSource(Protocol):
    """Gives batches of varied frames and their labels."""

    def batches(self, requests: Iterable[Records]) -> Iterator[Batch | DeviceBatch]:
        """Yield a batch for each request, in their order."""


@contextmanager
def open_frames(
    stores: Sequence[StoreReader],
    augmentation: Augmentation,
    *,
    batch: int,
    readers: int,
    queue_bytes: int,
    rows: RowRange,
    device_free_bytes: int | None,
) -> Iterator[FrameSource]:
    """Open the frames of a training, and log where they are.

    Args:
        stores: the stores, in the order in which records number them.
        augmentation: how the samples that have a key are varied.
        batch: maximum number of samples in a batch.
        readers: number of reader processes; there are none if the frames are on the device.
        queue_bytes: limit on the memory of the batches of all readers together.
        rows: the rows of the frames that the network looks at.
        device_free_bytes: free memory of the accelerator; None if the CPU trains.

    Raises:
        StoreError: a block of a store is damaged.
        TrainingError: there is too little memory.
    """
    layouts = [reader.layout for reader in stores]
    ring = partial(
        DataLoader, layouts, batch=batch, readers=readers, queue_bytes=queue_bytes, rows=rows
    )
    if device_free_bytes is None:
        log.info("frames: read and varied by %d processes (the CPU trains)", readers)
        with ring(augmentation=augmentation) as loader:
            yield loader
        return
    needed_bytes = rows.byte_count * sum(layout.frames for layout in layouts)
    fits, reason = placement.fits_device(
        needed_bytes, device_free_bytes, storage_probe.free_bytes()
    )
    if fits:
        log.info(
            "frames: kept and varied in the memory of the device, without readers (%s)", reason
        )
        yield DeviceMemory(stores, augmentation, rows)
        return
    log.info("frames: read by %d processes and varied on the device (%s)", readers, reason)
    with ring(max_in_use=prefetch.MAX_IN_USE) as loader:
        yield DeviceRing(loader, augmentation, rows)
