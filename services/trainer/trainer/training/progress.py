"""Reports the progress of a training: epoch, step, loss, speed, and the wait for data."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Protocol, TypeVar

from contract.jobs.queue import Report

Item = TypeVar("Item")

NEGLIGIBLE = 0.02
"""Share of the time that is not worth improving."""


class EpochLog(Protocol):
    """Keeps the metrics of the epochs, as TensorBoardLogger does."""

    def epoch(self, epoch: int, metrics: Mapping[str, float], scores: Mapping[str, float]) -> None:
        """Log the metrics of an epoch, counted from 1, and the scores of its validation."""


class Progress:
    """Reports the steps of a training, and measures how long it waits for data.

    Args:
        report: receives the progress of the job.
        epochs: maximum number of epochs.
        samples: number of samples in an epoch.
        batch: number of samples in a step.
        clock: returns seconds and never goes back.
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
        """Speed of the current epoch so far."""

    def begin(self, epoch: int, before: int = 0) -> None:
        """Start an epoch, counted from 1; an earlier process trained on `before` of its samples."""
        self._epoch, self._before = epoch, before
        self._since, self._waited_s = self._clock(), 0.0

    def waiting(self, items: Iterable[Item]) -> Iterator[Item]:
        """Yield the items, and measure the time spent waiting for them."""
        source = iter(items)
        while True:
            started_s = self._clock()
            try:
                item = next(source)
            except StopIteration:
                return
            finally:
                self._waited_s += self._clock() - started_s
            yield item

    @property
    def data_wait_fraction(self) -> float:
        """Share of the epoch's time, 0..1, that the network waited for data."""
        return self._waited_s / max(self._clock() - self._since, 1e-9)

    def step(self, count: int, loss: float) -> None:
        """Report that the epoch has trained on `count` samples, with this mean loss."""
        elapsed_s = max(self._clock() - self._since, 1e-9)
        self.samples_per_s = (count - self._before) / elapsed_s
        remaining = (self._epochs - self._epoch + 1) * self._samples - count
        self._report(
            phase="train",
            epoch=self._epoch,
            epochs=self._epochs,
            step=-(-count // self._batch),
            steps=-(-self._samples // self._batch),
            loss=round(loss, 6),
            samples_per_s=round(self.samples_per_s),
            data_wait_percent=round(100 * self._waited_s / elapsed_s, 1),
            eta_s=round(remaining / max(self.samples_per_s, 1e-9)),
        )


def bottleneck(data_wait_fraction: float, readers: int | None) -> str:
    """Say how a training's time was spent, and how to make it faster.

    Args:
        data_wait_fraction: share of the time, 0..1, that the network waited for data.
        readers: number of processes that read and vary the frames; None if a GPU varies them.
    """
    shares = f"compute {1 - data_wait_fraction:.0%}, data {data_wait_fraction:.0%}"
    if data_wait_fraction <= NEGLIGIBLE:
        return f"{shares}: nothing to do"
    if readers is None:
        return f"{shares}: the GPU waits for its batches. Larger ones help: raise --batch"
    return (
        f"{shares}: the network waits for its batches. Set LAPWING_READERS={readers + 1} to read "
        "them with one more process; less augmentation or a faster disk helps too"
    )
