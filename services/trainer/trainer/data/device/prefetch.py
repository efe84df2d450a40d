"""Moves each batch to the training device while the device computes on the batch before."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, NamedTuple

import keras
import numpy as np
import numpy.typing as npt

MAX_IN_USE: Final = 2
"""Batches of the loader in use at a time: one in the training step, one being moved."""


class DeviceBatch(NamedTuple):
    """A batch whose frames are on the device."""

    numbers: npt.NDArray[np.int64]
    frames: Any
    """A tensor of the Keras backend."""
    labels: npt.NDArray[np.float32]


def prefetch(batches: Iterable[tuple[Any, Any, Any]]) -> Iterator[DeviceBatch]:
    """Yield each batch with its frames on the device; a thread moves them one batch ahead.

    An exception from `batches` is raised here.
    """
    source = iter(batches)

    def move() -> DeviceBatch | None:
        batch = next(source, None)
        if batch is None:
            return None
        numbers, frames, labels = batch
        return DeviceBatch(numbers, keras.ops.convert_to_tensor(frames), labels)

    with ThreadPoolExecutor(1, thread_name_prefix="prefetch") as executor:
        upcoming = executor.submit(move)
        while (device_batch := upcoming.result()) is not None:
            upcoming = executor.submit(move)
            yield device_batch
