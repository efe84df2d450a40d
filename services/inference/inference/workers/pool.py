"""The lanes together: which has the least to do, which versions they have, who replaces whom."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

from contract.errors import ModelError
from inference.workers import protocol
from inference.workers.worker_client import LaneDiedError, LaneProcess

log = logging.getLogger(__name__)

AHEAD: Final = 64
"""Frames that a lane may have at a time: under overload the event loop comes by every 50 ms, and
what lies there by then is all that a lane can do until the next time."""
RESTART_S: Final = 0.5
"""Between the end of a lane and the start of another, so that a model that kills its lane does not
take a core as well."""

HANG_S: Final = 30.0
"""A lane that owes an answer and gives none for so long is ended, and replaced: a picture or a
model that never comes to an end must not hold it for ever. Its start takes a second at most."""


class Crew:
    """All lanes of the service. All of it runs in the event loop.

    Args:
        lanes: how many.
        models: the registry's folder.
        freed: called when a lane can be given frames again.
        used: tells whether somebody waits for an answer of a version.
    """

    def __init__(
        self,
        lanes: int,
        models: Path,
        freed: Callable[[], None],
        used: Callable[[int], bool],
    ) -> None:
        self._models = models
        self._freed = freed
        self._used = used
        self._lanes = [LaneProcess(models, self._replace) for _ in range(lanes)]
        self._versions: list[int] = []
        """That every lane has loaded, in the order in which they were."""
        self._kept = 0
        """The one that drives."""
        self._restarts: set[asyncio.Task[None]] = set()
        self._loading = asyncio.Lock()

    def __len__(self) -> int:
        return len(self._lanes)

    @property
    def pids(self) -> list[int]:
        """Of the lanes' processes."""
        return [lane.pid for lane in self._lanes]

    @property
    def ready(self) -> int:
        """How many of them can be given frames."""
        return sum(not lane.paused and not lane.gone for lane in self._lanes)

    async def start(self) -> None:
        """Start all lanes."""
        await asyncio.gather(*(lane.start() for lane in self._lanes))
        self._watching = asyncio.create_task(self._watch())

    async def end(self) -> None:
        """End all lanes, and wait until they have."""
        for task in (self._watching, *self._restarts):
            task.cancel()
        for lane in self._lanes:
            lane.end()
        await asyncio.gather(*(asyncio.to_thread(lane.wait) for lane in self._lanes))

    def least_busy(self) -> LaneProcess | None:
        """Return the lane that has the least to do, or None when all have enough."""
        lane = min(self._lanes, key=lambda each: (each.paused or each.gone, each.waiting))
        return None if lane.paused or lane.gone or lane.waiting >= AHEAD else lane

    async def load(self, version: int) -> None:
        """Have every lane verify and load a version, one lane after the other: the rest drive on.

        Raises:
            ModelError: it is not fit to drive.
        """
        async with self._loading:
            # Of a lane that is gone, the one in its place will load what all others have.
            for lane in [each for each in self._lanes if not each.gone]:
                lane.paused = True
                try:
                    await lane.ask(protocol.LOAD, version)
                except ModelError:
                    self._forget(version)
                    raise
                except LaneDiedError as error:
                    self._forget(version)
                    raise ModelError(
                        f"model version {version} kills the process that loads it",
                        remedy="Promote another version, or train again",
                    ) from error
                finally:
                    lane.paused = False
                    self._freed()
            self._versions = [*(each for each in self._versions if each != version), version]

    async def check(self, version: int) -> None:
        """Have every lane see that a version still answers as it did.

        Raises:
            ModelError: it does not.
        """
        for lane in self._lanes:
            with suppress(LaneDiedError):  # the one in its place checks as it loads
                await lane.ask(protocol.CHECK, version)

    def keep(self, version: int) -> None:
        """Tell which version drives from now on."""
        self._kept = version
        self.drop()

    def drop(self) -> None:
        """Forget the versions before the one that drives that nobody waits for."""
        if self._kept in self._versions:
            for version in self._versions[: self._versions.index(self._kept)]:
                if not self._used(version):
                    self._versions.remove(version)
                    self._forget(version)

    def _forget(self, version: int) -> None:
        for lane in self._lanes:
            # Whether it was done is nobody's concern: a lane that is gone has forgotten it, too.
            lane.ask(protocol.DROP, version).add_done_callback(asyncio.Future.exception)

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(HANG_S / 10)
            for lane in self._lanes:
                if not lane.gone and lane.silent_s > HANG_S:
                    log.error("a lane has been silent for %.0f s: it is ended", lane.silent_s)
                    lane.kill()

    def _replace(self, lane: LaneProcess) -> None:
        """Start another lane in the place of one that is gone."""
        task = asyncio.get_running_loop().create_task(self._restart(lane))
        self._restarts.add(task)
        task.add_done_callback(self._restarts.discard)

    async def _restart(self, gone: LaneProcess) -> None:
        await asyncio.sleep(RESTART_S)
        async with self._loading:
            made = LaneProcess(self._models, self._replace)
            made.paused = True
            await made.start()
            self._lanes[self._lanes.index(gone)] = made
            try:
                for version in self._versions:
                    await made.ask(protocol.LOAD, version)
            except LaneDiedError:
                return  # it is gone already, and its own end has another started
            except ModelError as error:  # damaged since: the lanes that have it loaded drive on
                log.error("a lane cannot be started again: %s", error)
                made.end()
                await asyncio.to_thread(made.wait)
                self._replace(made)
                return
            made.paused = False
        self._freed()
