"""Runs a real scheduler with two worker processes, which tests stop and kill."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from contract.models.registry import Registry
from inference.metrics import InferenceMetrics
from inference.workers.pool import NoWorkerError
from inference.workers.scheduler import FrameTimeoutError, Scheduler
from inference.workers.worker_client import WorkerDiedError
from support.data import models, samples

JPEG = samples.jpeg(0.3)


class Rig:
    """Holds a scheduler with two workers, and a registry with the versions left and right."""

    def __init__(
        self, registry: Registry, networks: Path, max_wait_s: float = 1.0, **times_s: float
    ) -> None:
        self.registry = registry
        self.networks = networks
        for name in ("left", "right"):
            models.publish(registry, networks / name, name)
        self.metrics = InferenceMetrics()
        self.scheduler = Scheduler(2, max_wait_s, registry.root, self.metrics, **times_s)

    def run(self, body: Callable[[Scheduler], Coroutine[Any, Any, None]]) -> None:
        """Run `body` with the scheduler, while version 1 drives."""

        async def run_body() -> None:
            async with self.scheduler as scheduler:
                await scheduler.pool.load(1)
                scheduler.pool.set_current(1)
                try:
                    await asyncio.wait_for(body(scheduler), 120)
                finally:
                    self.signal(signal.SIGCONT)

        asyncio.run(run_body())

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to all workers."""
        for pid in self.scheduler.pool.pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)


def ask(scheduler: Scheduler, version: int = 1) -> asyncio.Future[list[float]]:
    """Start the prediction of one frame."""
    return asyncio.ensure_future(scheduler.predict(version, [JPEG]))


async def until(condition: Callable[[], bool]) -> None:
    """Wait until a condition is true."""
    async with asyncio.timeout(60):
        while not condition():
            await asyncio.sleep(0.01)


async def answered(scheduler: Scheduler, version: int) -> list[float]:
    """Return the steering of a frame once a worker is there to predict it."""
    async with asyncio.timeout(60):
        while True:
            try:
                return await scheduler.predict(version, [JPEG])
            except (FrameTimeoutError, NoWorkerError, WorkerDiedError):
                await asyncio.sleep(0.01)
