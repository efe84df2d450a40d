"""The pool of all workers: it keeps their versions alike, and replaces those that die or hang."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Final

from contract.errors import ServiceError
from contract.perpetual import PerpetualWork
from contract.watchdog import Watchdog
from inference.settings import LITERT
from inference.workers import protocol
from inference.workers.worker_client import WorkerClient, WorkerDiedError

log = logging.getLogger(__name__)

MAX_IN_FLIGHT: Final = 64
"""Number of frames that a worker may have at a time. Under overload the event loop serves a worker
only every 50 ms, and the worker can compute no more than what it has by then."""
TEND_S: Final = 0.5
"""Time in seconds between two looks at whether a worker has ended. A model that kills its workers
does so no more often, and does not use up a core as well."""
HANG_TIMEOUT_S: Final = 30.0
"""Time in seconds after which a worker that owes a reply is killed and replaced: an image or a
model that never finishes must not block it for ever."""
START_TIMEOUT_S: Final = 120.0
"""The same for the first reply of a worker. It starts within a second; but where the machine has
too much to do, another start would only be slower."""


class NoWorkerError(ServiceError):
    """No worker process can take frames."""


class WorkerPool:
    """All workers of the service. All of its code runs in the event loop.

    A worker serves while it runs and has loaded all versions of the pool. One that cannot load one
    of them runs all the same: it can load the next version.

    Args:
        size: number of workers.
        models: folder of the model registry.
        on_change: called when a worker can take frames again, or has ended.
        in_use: returns whether frames of a version are waiting or in flight.
        hang_timeout_s: time in seconds after which a worker that owes a reply is killed.
        backend: how networks are loaded, one of settings.BACKENDS.
    """

    def __init__(
        self,
        size: int,
        models: Path,
        on_change: Callable[[], None],
        in_use: Callable[[int], bool],
        hang_timeout_s: float = HANG_TIMEOUT_S,
        backend: str = LITERT,
    ) -> None:
        self._models = models
        self._backend = backend
        self._on_change = on_change
        self._in_use = in_use
        self._hang_timeout_s = hang_timeout_s
        self._workers = [self._new_worker() for _ in range(size)]
        self._versions: list[int] = []
        """The versions that every worker has to load, in the order of their loading."""
        self._current = 0
        """The version that drives."""
        self._loading = asyncio.Lock()
        self._tasks: list[asyncio.Task[None]] = []
        self._perpetual: list[PerpetualWork] = []

    def __len__(self) -> int:
        return len(self._workers)

    @property
    def pids(self) -> list[int]:
        """Process IDs of the workers."""
        return [worker.pid for worker in self._workers]

    @property
    def serving(self) -> int:
        """Number of workers that predict frames, at once or after the version that they load."""
        # Three times for each frame, so without a generator and a call for each worker.
        count = 0
        for worker in self._workers:
            if not worker.closed and worker.versions.issuperset(self._versions):
                count += 1
        return count

    @property
    def available(self) -> int:
        """Number of workers that can take frames."""
        return sum(self._takes_frames(worker) for worker in self._workers)

    @property
    def trouble(self) -> str:
        """Why workers cannot be started, or are not watched; empty while they are."""
        return " ".join(work.trouble for work in self._perpetual if work.trouble)

    def backend(self, version: int | None) -> str:
        """Return the name of the backend that computes a version; LiteRT while none is loaded."""
        names = (worker.backends.get(version or 0) for worker in self._workers)
        return next(filter(None, names), LITERT)

    async def start(self) -> None:
        """Start all workers, and keep them running.

        Raises:
            OSError: the system has no process, memory or file for one of them.
        """
        await asyncio.gather(*(self._tend(slot) for slot in range(len(self))))
        for slot in range(len(self)):
            self._keep(f"the start of worker {slot + 1}", partial(self._tend, slot), TEND_S)
        period_s, clock = self._hang_timeout_s / 10, asyncio.get_running_loop().time
        self._starting = Watchdog(START_TIMEOUT_S, period_s, clock)
        self._working = Watchdog(self._hang_timeout_s, period_s, clock)
        self._keep("the watch for hung workers", self._kill_hung, period_s)

    async def stop(self) -> None:
        """Stop all workers, and wait until they have ended."""
        for task in self._tasks:
            task.cancel()
        for worker in self._workers:
            worker.close()
        await asyncio.gather(*(asyncio.to_thread(worker.wait) for worker in self._workers))

    def least_busy(self) -> WorkerClient | None:
        """Return the worker with the fewest frames, or None when no worker can take another."""
        least, fewest = None, MAX_IN_FLIGHT
        for worker in self._workers:
            if worker.in_flight < fewest and self._takes_frames(worker):
                least, fewest = worker, worker.in_flight
        return least

    async def load(self, version: int) -> None:
        """Let the workers verify and load a version, one after the other: the others drive on.

        Raises:
            ModelError: the version is not fit to drive.
            NoWorkerError: no worker runs that could load it.
            WorkerDiedError: the worker that loaded it first has ended.
            WorkerFailedError: something else kept a worker from loading it.
        """
        async with self._loading:
            if version in self._versions:  # frames have needed it until now
                self._versions.remove(version)
                self._versions.append(version)
                return
            loaded = 0
            try:
                # A worker that has died is left out: its replacement loads all versions.
                for worker in [worker for worker in self._workers if not worker.closed]:
                    try:
                        await self._load_one(worker, version)
                        loaded += 1
                    except WorkerDiedError:
                        # The version that one worker has loaded did not kill the next. If it kills
                        # the first, it is spared the others.
                        if not loaded:
                            raise
                if not loaded:
                    raise no_worker()
            except BaseException:
                self._drop(version)
                raise
            self._versions.append(version)

    async def check(self, version: int) -> None:
        """Let every worker check that a version still predicts its golden frames as it should.

        Raises:
            ModelError: it does not.
            WorkerFailedError: something else kept a worker from checking it.
        """
        for worker in self._workers:
            if version in worker.versions:
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

    def _serves(self, worker: WorkerClient) -> bool:
        return not worker.closed and worker.versions.issuperset(self._versions)

    def _takes_frames(self, worker: WorkerClient) -> bool:
        return not worker.draining and self._serves(worker)

    def _drop(self, version: int) -> None:
        for worker in self._workers:
            worker.drop(version)

    async def _load_one(self, worker: WorkerClient, version: int) -> None:
        worker.draining = True
        try:
            await worker.load(version)
        finally:
            worker.draining = False
            self._on_change()

    def _keep(self, name: str, step: Callable[[], Awaitable[None]], every_s: float) -> None:
        work = PerpetualWork(name)
        self._perpetual.append(work)
        self._tasks.append(asyncio.create_task(work.run_async(step, every_s)))

    async def _kill_hung(self) -> None:
        self._starting.look()
        self._working.look()
        for worker in self._workers:
            heard_s = worker.waiting_since_s
            watchdog = self._working if worker.has_replied else self._starting
            if heard_s is not None and not worker.closed and watchdog.is_overdue(heard_s):
                silence_s = watchdog.silence_s(heard_s)
                log.error("a worker has been silent for %.0f s: it is killed", silence_s)
                worker.kill()

    def _new_worker(self) -> WorkerClient:
        return WorkerClient(self._models, self._on_change, self._backend)

    async def _tend(self, slot: int) -> None:
        """Start another worker where one has ended, and let it load what it has not."""
        if self._workers[slot].closed:
            worker = self._new_worker()
            await worker.start()
            self._workers[slot] = worker
        worker = self._workers[slot]
        if not self._serves(worker):
            async with self._loading:
                for version in tuple(self._versions):
                    if version in self._versions and version not in worker.versions:
                        await self._load_one(worker, version)
                # While it loaded one, the last frame of another may have been answered.
                for version in worker.versions.difference(self._versions):
                    worker.drop(version)
            self._on_change()


def no_worker() -> NoWorkerError:
    """Return the error where no worker process can take frames."""
    return NoWorkerError(
        "no process that computes frames runs",
        remedy="They are started again: send the frame again, or read the log of inference, which "
        "says why they end",
    )
