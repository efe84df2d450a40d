"""Feeds the network in several ways, and measures each; device.py compares them."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import keras

from contract.dataset.store import StoreReader
from contract.train_config import TrainConfig
from trainer.data import dataset_rows, frame_source, pipeline
from trainer.data.batches import BatchSource
from trainer.data.device.prefetch import DeviceBatch
from trainer.data.samples import SampleTable
from trainer.training import network_builder, training_view
from trainer.training.learner import Learner

ROUNDS = 3
WARM_UP = 5
"""Steps in which the backend compiles."""
FIXED_BATCHES = 8
ALONE = "the network alone, on batches in the device's memory"
CONTESTANTS: dict[str, int | None] = {
    ALONE: 1 << 62,
    "all frames in the device's memory": 1 << 62,
    "ring, varied on the device": 0,
    "ring, varied by the readers": None,
}
"""Free bytes of the device that each is told of, which decide where the frames are."""

Batches = Generator[Any, None, None]


@dataclass
class Run:
    """What one contestant did."""

    samples_per_s: list[float] = field(default_factory=list)
    waited: list[float] = field(default_factory=list)
    """Share of the time in which the step waited for its batch."""
    utilisation: list[float] = field(default_factory=list)
    """Share of the time in which the GPU computed, where its driver says so."""


class Utilisation:
    """Asks the driver of the first GPU how busy it is, in a thread; use it in `with`."""

    PAUSE_S = 0.1

    def __init__(self) -> None:
        self.seen: list[float] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def _watch(self) -> None:
        try:
            import pynvml
        except ImportError:
            return
        try:
            pynvml.nvmlInit()
            gpu = pynvml.nvmlDeviceGetHandleByIndex(0)
        except pynvml.NVMLError:  # there is no driver, or no GPU
            return
        while not self._stop.wait(self.PAUSE_S):
            self.seen.append(pynvml.nvmlDeviceGetUtilizationRates(gpu).gpu / 100)

    def __enter__(self) -> Utilisation:
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._stop.set()
        self._thread.join()


def whole_batches(table: SampleTable, batch: int) -> SampleTable:
    """Return the table without the samples of an epoch's last, smaller batch."""
    return replace(table, train=table.train[: len(table.train) // batch * batch])


@contextmanager
def fed(
    name: str, stores: list[StoreReader], table: SampleTable, config: TrainConfig, readers: int
) -> Iterator[Batches]:
    """Yield the batches of a contestant, epoch after epoch without end."""
    with frame_source.open_frames(
        stores,
        pipeline.augmentation(config),
        batch=config.batch,
        readers=readers,
        queue_bytes=1 << 30,
        rows=training_view.visible_rows(network_builder.build()),
        device_free_bytes=CONTESTANTS[name],
    ) as frames:
        source = BatchSource(
            whole_batches(table, config.batch),
            frames,
            [reader.blocks for reader in stores],
            config.batch,
            "exact",
            config.seed,
        )

        def batches() -> Batches:
            for epoch in itertools.count(1):
                yield from source.epoch(epoch, 0)

        def fixed() -> Batches:
            with closing(batches()) as first:
                kept = list(itertools.islice(first, FIXED_BATCHES))
            # The labels too: nothing is left to do for the host.
            yield from itertools.cycle(kept)

        with closing(fixed() if name == ALONE else batches()) as endless:
            yield endless


def measure(batches: Batches, learner: Learner, seconds: float, run: Run) -> None:
    """Train for some seconds, and add what was measured to the run."""
    waited_s = 0.0

    def timed(take: Callable[[], DeviceBatch]) -> Iterator[DeviceBatch]:
        nonlocal waited_s
        while True:
            asked_s = time.perf_counter()
            batch = take()
            waited_s += time.perf_counter() - asked_s
            yield batch

    steps = learner.train_steps(timed(batches.__next__))
    for _ in range(WARM_UP):
        next(steps)
    with Utilisation() as utilisation:
        count, waited_s, began_s = 0, 0.0, time.perf_counter()
        while (passed_s := time.perf_counter() - began_s) < seconds:
            count += len(next(steps)[0].numbers)
    run.samples_per_s.append(count / passed_s)
    run.waited.append(waited_s / passed_s)
    run.utilisation += utilisation.seen


def compare(
    stores: list[StoreReader], batch: int, readers: int, seconds: float, policy: str
) -> dict[str, Run]:
    """Measure each contestant in turn, several rounds long."""
    config = TrainConfig(batch=batch)
    table = pipeline.prepare(dataset_rows.read(stores), config).table
    runs = {name: Run() for name in CONTESTANTS}
    for _ in range(ROUNDS):
        for name, run in runs.items():
            keras.utils.set_random_seed(1)
            network = training_view.of(network_builder.build(dtype=policy))
            with fed(name, stores, table, config, readers) as batches:
                measure(batches, Learner.start(network, config.learning_rate), seconds, run)
    return runs
