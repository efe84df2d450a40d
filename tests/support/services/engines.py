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
from inference.metrics import Metrics
from inference.workers.scheduler import Engine
from support.data import models, samples

JPEG = samples.jpeg(0.3)


class Rig:
    """Holds a scheduler with two workers, and a registry with the versions left and right."""

    def __init__(self, registry: Registry, networks: Path, longest_wait_s: float = 1.0) -> None:
        self.registry = registry
        self.networks = networks
        for name in ("left", "right"):
            models.publish(registry, networks / name, name)
        self.metrics = Metrics()
        self.engine = Engine(2, longest_wait_s, registry.root, self.metrics)

    def run(self, body: Callable[[Engine], Coroutine[Any, Any, None]]) -> None:
        async def inside() -> None:
            async with self.engine as engine:
                await engine.load(1)
                engine.keep(1)
                try:
                    await asyncio.wait_for(body(engine), 20)
                finally:
                    self.signal(signal.SIGCONT)

        asyncio.run(inside())

    def signal(self, number: signal.Signals) -> None:
        for pid in self.engine.pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)


def ask(engine: Engine, version: int = 1) -> asyncio.Future[list[float]]:
    return asyncio.ensure_future(engine.steer(version, [JPEG]))
