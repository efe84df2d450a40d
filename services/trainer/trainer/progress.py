"""What a running training tells of itself: epoch, step, loss, samples a second, time left."""

from __future__ import annotations

import time
from collections.abc import Callable

from contract.jobs import Report


class Progress:
    """Reports the steps of a training's epochs.

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
        self._since = clock()
        self.samples_per_s = 0.0
        """Of the present epoch so far."""

    def begin(self, epoch: int) -> None:
        """Start the clock of an epoch, from 1."""
        self._epoch, self._since = epoch, self._clock()

    def step(self, count: int, loss: float) -> None:
        """Tell that the epoch has seen `count` samples, with this mean loss."""
        self.samples_per_s = count / max(self._clock() - self._since, 1e-9)
        left = (self._epochs - self._epoch + 1) * self._samples - count
        self._report(
            phase="train",
            epoch=self._epoch,
            epochs=self._epochs,
            step=-(-count // self._batch),
            steps=-(-self._samples // self._batch),
            loss=round(loss, 6),
            samples_per_s=round(self.samples_per_s),
            eta_s=round(left / self.samples_per_s),
        )
