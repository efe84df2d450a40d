"""The pool of all workers: it keeps their versions alike, and replaces those that die or hang."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

from contract.errors import ModelError
from contract.watchdog import Watchdog
from inference.workers import protocol
from inference.workers.worker_client import WorkerClient, WorkerDiedError

log = logging.getLogger(__name__)

MAX_IN_FLIGHT: Final = 64
"""Number of frames that a worker may have at a time. Under overload the event loop serves a worker
only every 50 ms, and the worker can compute no more than what it has by then."""
RESTART_DELAY_S: Final = 0.5
"""Time in seconds between the end of a worker and the start of another, so that a model that kills
its workers does not use up a core as well."""
HANG_TIMEOUT_S: Final = 30.0
"""Time in seconds after which a worker that owes a reply is killed and replaced: an image or a
model that never finishes must not block it for ever."""
START_TIMEOUT_S: Final = 120.0
"""The same for the first reply of a worker. It starts within a second; but where the machine has
too much to do, another start would only be slower."""


class WorkerPool:
    """All workers of the service. All of its code runs in the event loop.

    Args:
        size: number of workers.
        models: folder of the model registry.
        on_available: called when a worker can take frames again.
        in_use: returns whether frames of a version are waiting or in flight.
        hang_timeout_s: time in seconds after which a worker that owes a reply is killed.
    """

    def __init__(
        self,
        size: int,
        models: Path,
        on_available: Callable[[], None],
        in_use: Callable[[int], bool],
        hang_timeout_s: float = HANG_TIMEOUT_S,
    ) -> None:
        self._hang_timeout_s = hang_timeout_s
        self._models = models
        self._on_available = on_available
        self._in_use = in_use
        self._workers = [WorkerClient(models, self._replace) for _ in range(size)]
        self._versions: list[int] = []
        """The versions that every worker has loaded, in the order of their loading."""
        self._current = 0
        """The version that drives."""
        self._restarts: set[asyncio.Task[None]] = set()
        self._loading = asyncio.Lock()

    def __len__(self) -> int:
        return len(self._workers)

    @property
    def pids(self) -> list[int]:
        """Process IDs of the workers."""
        return [worker.pid for worker in self._workers]

    @property
    def available(self) -> int:
        """Number of workers that can take frames."""
        return sum(worker.available for worker in self._workers)

    async def start(self) -> None:
        """Start all workers."""
        await asyncio.gather(*(worker.start() for worker in self._workers))
        self._watchdog = asyncio.create_task(self._kill_hung_workers())

    async def stop(self) -> None:
        """Stop all workers, and wait until they have ended."""
        for task in (self._watchdog, *self._restarts):
            task.cancel()
        for worker in self._workers:
            worker.close()
        await asyncio.gather(*(asyncio.to_thread(worker.wait) for worker in self._workers))

    def least_busy(self) -> WorkerClient | None:
        """Return the worker with the fewest frames, or None when no worker can take another."""
        worker = min(
            self._workers, key=lambda candidate: (not candidate.available, candidate.in_flight)
        )
        return worker if worker.available and worker.in_flight < MAX_IN_FLIGHT else None

    async def load(self, version: int) -> None:
        """Let the workers verify and load a version, one after the other: the others drive on.

        Raises:
            ModelError: the version is not fit to drive.
        """
        async with self._loading:
            # A worker that has died is left out: its replacement loads all versions.
            for worker in [worker for worker in self._workers if not worker.closed]:
                worker.draining = True
                try:
                    await worker.request(protocol.LOAD, version)
                except ModelError:
                    self._drop(version)
                    raise
                except WorkerDiedError as error:
                    self._drop(version)
                    raise ModelError(
                        f"model version {version} kills the process that loads it",
                        remedy="Promote another version, or train again",
                    ) from error
                finally:
                    worker.draining = False
                    self._on_available()
            self._versions = [*(loaded for loaded in self._versions if loaded != version), version]

    async def check(self, version: int) -> None:
        """Let every worker check that a version still predicts its golden frames as it should.

        Raises:
            ModelError: it does not.
        """
        for worker in self._workers:
            with suppress(WorkerDiedError):  # its replacement checks the version as it loads it
                await worker.request(protocol.CHECK, version)

    def set_current(self, version: int) -> None:
        """Set the version that drives; older versions are dropped once no frame needs them."""
        self._current = version
        self.drop_unused()

    def drop_unused(self) -> None:
        """Drop the versions loaded before the current one that no frame needs any more."""
        if self._current in self._versions:
            for version in self._versions[: self._versions.index(self._current)]:
                if not self._in_use(version):
                    self._versions.remove(version)
                    self._drop(version)

    def _drop(self, version: int) -> None:
        for worker in self._workers:
            # The result does not matter: a worker that has died has no version any more.
            worker.request(protocol.DROP, version).add_done_callback(asyncio.Future.exception)

    async def _kill_hung_workers(self) -> None:
        period_s = self._hang_timeout_s / 10
        clock = asyncio.get_running_loop().time
        started = Watchdog(START_TIMEOUT_S, period_s, clock)
        working = Watchdog(self._hang_timeout_s, period_s, clock)
        while True:
            await asyncio.sleep(period_s)
            started.look()
            working.look()
            for worker in self._workers:
                heard_s = worker.waiting_since_s
                watchdog = working if worker.has_replied else started
                if heard_s is not None and not worker.closed and watchdog.is_overdue(heard_s):
                    silence_s = watchdog.silence_s(heard_s)
                    log.error("a worker has been silent for %.0f s: it is killed", silence_s)
                    worker.kill()

    def _replace(self, worker: WorkerClient) -> None:
        """Start another worker in place of one that has ended."""
        task = asyncio.get_running_loop().create_task(self._restart(worker))
        self._restarts.add(task)
        task.add_done_callback(self._restarts.discard)

    async def _restart(self, ended: WorkerClient) -> None:
        await asyncio.sleep(RESTART_DELAY_S)
        async with self._loading:
            worker = WorkerClient(self._models, self._replace)
            worker.draining = True
            await worker.start()
            self._workers[self._workers.index(ended)] = worker
            try:
                for version in self._versions:
                    await worker.request(protocol.LOAD, version)
            except WorkerDiedError:
                return  # it has ended already, and that end starts another worker
            except ModelError as error:  # damaged since: the workers that have loaded it drive on
                log.error("a worker cannot be started again: %s", error)
                worker.close()
                await asyncio.to_thread(worker.wait)
                self._replace(worker)
                return
            worker.draining = False
        self._on_available()
