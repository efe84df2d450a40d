"""Moves batches to the device that trains while it computes on the one before."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, NamedTuple

import keras
import numpy as np
import numpy.typing as npt

HELD: Final = 2
"""Batches of the stream in use at a time: the one in the step, and the one on its way."""


class Placed(NamedTuple):
    """A batch on its device, and what the host keeps of it."""

    numbers: npt.NDArray[np.int64]
    frames: Any
    """The backend's tensor."""
    labels: npt.NDArray[np.float32]


def prefetched(batches: Iterable[tuple[Any, Any, Any]]) -> Iterator[Placed]:
    """Yield each batch with its frames on the device, moved by a thread that is one batch ahead.

    What the batches raise is raised here.
    """
    source = iter(batches)

    def move() -> Placed | None:
        batch = next(source, None)
        if batch is None:
            return None
        numbers, frames, labels = batch
        return Placed(numbers, keras.ops.convert_to_tensor(frames), labels)

    with ThreadPoolExecutor(1, thread_name_prefix="prefetch") as executor:
        coming = executor.submit(move)
        while (placed := coming.result()) is not None:
            coming = executor.submit(move)
            yield placed
