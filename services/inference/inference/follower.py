"""Follows the registry in the event loop: a new version is served, and the present one checked."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Final

from contract.perpetual import PerpetualWork
from inference.metrics import InferenceMetrics
from inference.model_watcher import ModelWatcher
from inference.settings import Settings
from inference.workers.pool import WorkerPool

log = logging.getLogger(__name__)

FIRST_POLL_S: Final = 10.0
"""Time in seconds for which the start waits for a model; workers take a second to start where a
core is free."""
LONGEST_PAUSE_S: Final = 5.0
"""Longest pause in seconds between two looks at the registry, after an error nobody expected."""


class Follower:
    """Follows the registry, and checks the model that drives, for as long as the service runs.

    Args:
        watcher: holds the model that drives.
        pool: the workers, which load and check it.
        metrics: is told which version drives.
    """

    def __init__(self, watcher: ModelWatcher, pool: WorkerPool, metrics: InferenceMetrics) -> None:
        self._watcher = watcher
        self._pool = pool
        self._metrics = metrics
        self._served: int | None = None
        """The version that the pool and the metrics were told."""
        self._polled = asyncio.Event()
        self._turn = asyncio.Lock()
        """The watcher is used by one thread at a time."""
        self._following = PerpetualWork(
            "the watch of the registry", longest_pause_s=LONGEST_PAUSE_S
        )
        self._checking = PerpetualWork("the check with golden frames")

    @property
    def trouble(self) -> str:
        """Why newer versions are not served, or the present one is not checked; or nothing."""
        watcher = self._watcher
        reasons = (watcher.registry_error, watcher.load_error)
        return " ".join(filter(None, (*reasons, self._following.trouble, self._checking.trouble)))

    @asynccontextmanager
    async def following(self, settings: Settings) -> AsyncIterator[None]:
        """Follow and check until the block ends; it begins once a first version may be served."""
        tasks = [
            asyncio.create_task(self._following.run_async(self.poll, settings.follow_every_s)),
            asyncio.create_task(self._checking.run_async(self.check, settings.check_every_s)),
        ]
        try:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._polled.wait(), FIRST_POLL_S)
            yield
        finally:
            for task in tasks:
                task.cancel()

    async def poll(self) -> None:
        """Let the watcher poll the registry once, and serve the version that it has loaded."""
        try:
            async with self._turn:
                await asyncio.to_thread(self._watcher.poll)
        finally:
            self._polled.set()
        model = self._watcher.model
        if model is not None and model.manifest.version != self._served:
            self._pool.set_current(model.manifest.version)
            self._metrics.serve(model.manifest.version, model.manifest.sha256)
            backend = self._pool.backend(model.manifest.version)
            log.info("model version %d is computed by %s", model.manifest.version, backend)
            self._served = model.manifest.version
        self._metrics.refused.set(len(self._watcher.refused))

    async def check(self) -> None:
        """Let the watcher check the model that drives."""
        async with self._turn:
            await asyncio.to_thread(self._watcher.check)
