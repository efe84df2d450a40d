"""What a running training tells of itself: epoch, step, loss, speed, and what it waits for."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from contract.jobs.queue import Report

Item = TypeVar("Item")

TRIFLE = 0.02
"""Share of the time that is not worth anybody's."""


class Progress:
    """Reports the steps of a training's epochs, and measures where their time goes.

    Args:
        report: where to.
        epochs: at most so many will run.
        samples: of an epoch.
        batch: samples of a step.
        clock: seconds that only go forward.
    """

    def __init__(
        self,
        report: Report,
        epochs: int,
        samples: int,
        batch: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._report = report
        self._epochs = epochs
        self._samples = samples
        self._batch = batch
        self._clock = clock
        self._epoch = 0
        self._before = 0
        self._since = clock()
        self._waited_s = 0.0
        self.samples_per_s = 0.0
        """Of the present epoch so far."""

    def begin(self, epoch: int, before: int = 0) -> None:
        """Start the clock of an epoch, from 1, of which an earlier process saw `before` samples."""
        self._epoch, self._before = epoch, before
        self._since, self._waited_s = self._clock(), 0.0

    def waiting(self, items: Iterable[Item]) -> Iterator[Item]:
        """Yield the items, and count the time for which they were waited for."""
        source = iter(items)
        while True:
            began = self._clock()
            try:
                item = next(source)
            except StopIteration:
                return
            finally:
                self._waited_s += self._clock() - began
            yield item

    @property
    def data_share(self) -> float:
        """Share of the epoch's time, 0..1, for which the network waited for data."""
        return self._waited_s / max(self._clock() - self._since, 1e-9)

    def step(self, count: int, loss: float) -> None:
        """Tell that the epoch has seen `count` samples, with this mean loss."""
        passed_s = max(self._clock() - self._since, 1e-9)
        self.samples_per_s = (count - self._before) / passed_s
        left = (self._epochs - self._epoch + 1) * self._samples - count
        self._report(
            phase="train",
            epoch=self._epoch,
            epochs=self._epochs,
            step=-(-count // self._batch),
            steps=-(-self._samples // self._batch),
            loss=round(loss, 6),
            samples_per_s=round(self.samples_per_s),
            data_wait_percent=round(100 * self._waited_s / passed_s, 1),
            eta_s=round(left / max(self.samples_per_s, 1e-9)),
        )


def verdict(data_share: float, readers: int) -> str:
    """Say where a training's time went, and what to do about it."""
    told = f"compute {1 - data_share:.0%}, data {data_share:.0%}"
    if data_share <= TRIFLE:
        return f"{told}: nothing to do"
    return (
        f"{told}: the network waits for its batches. LAPWING_READERS={readers + 1} reads them with "
        "one process more; less augmentation, or a faster disk, help too"
    )
