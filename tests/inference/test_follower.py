"""Tests that following a registry never ends, with real workers and a registry that fails."""

import asyncio
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import pytest
from support.data import models
from support.services.engines import until
from support.services.serving import settings

from contract.models.registry import Registry
from inference.app import LoadedModel
from inference.follower import Follower
from inference.metrics import InferenceMetrics
from inference.model_watcher import ModelWatcher
from inference.workers.scheduler import Scheduler


class UnexpectedError(Exception):
    """What nobody expects."""


class FaultyRegistry(Registry):
    """A registry that raises what a test sets."""

    fault: Exception | None = None

    def current(self) -> int | None:
        if self.fault is not None:
            raise self.fault
        return super().current()


class FaultyModel(LoadedModel):
    """A model whose check raises what a test sets."""

    fault: Exception | None = None
    checks = 0

    def check(self) -> None:
        type(self).checks += 1
        if self.fault is not None:
            raise self.fault
        super().check()


class Following:
    """A follower with a worker, over a registry with one version."""

    def __init__(self, root: Path) -> None:
        self.registry = FaultyRegistry(root)
        self.metrics = InferenceMetrics()
        self.scheduler = Scheduler(1, 1.0, root, self.metrics)
        self.watcher = ModelWatcher(self.registry, self.load)
        self.follower = Follower(self.watcher, self.scheduler.pool, self.metrics)
        self.settings = settings(root, check_every_s=0.05)

    def load(self, version: int) -> FaultyModel:
        pool = self.scheduler.pool
        asyncio.run_coroutine_threadsafe(pool.load(version), self.loop).result()
        return FaultyModel(self.registry.manifest(version), pool, self.loop)

    @property
    def served(self) -> str:
        lines = self.metrics.text().decode().splitlines()
        return next(line for line in lines if line.startswith("lapwing_model_version "))

    def run(self, body: Coroutine[Any, Any, None]) -> None:
        async def run_body() -> None:
            self.loop = asyncio.get_running_loop()
            async with self.scheduler, self.follower.following(self.settings):
                await asyncio.wait_for(body, 120)

        asyncio.run(run_body())


@pytest.fixture
def following(registry: Registry, networks: Path) -> Following:
    models.publish(registry, networks / "left", "first")
    return Following(registry.root)


def test_an_error_that_nobody_expects_is_said_and_following_goes_on(
    following: Following, registry: Registry, networks: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def body() -> None:
        await until(lambda: following.served == "lapwing_model_version 1.0")
        following.registry.fault = UnexpectedError("broken")
        said = "the watch of the registry failed: UnexpectedError: broken."
        await until(lambda: following.follower.trouble == said)
        models.publish(registry, networks / "right", "second")
        following.registry.fault = None
        await until(lambda: following.served == "lapwing_model_version 2.0")
        assert following.follower.trouble == ""

    following.run(body())
    assert (
        "the watch of the registry failed: UnexpectedError: broken. It is tried again"
        in caplog.text
    )


def test_a_check_that_fails_in_another_way_is_said_and_checks_go_on(
    following: Following, registry: Registry, networks: Path
) -> None:
    async def body() -> None:
        await until(lambda: FaultyModel.checks > 0)
        FaultyModel.fault = UnexpectedError("broken")
        try:
            await until(lambda: "the check with golden frames failed" in following.follower.trouble)
            models.publish(registry, networks / "right", "second")
            await until(lambda: following.served == "lapwing_model_version 2.0")
        finally:
            FaultyModel.fault = None
        await until(lambda: following.follower.trouble == "")
        assert following.watcher.unready_reason() is None

    following.run(body())


def test_a_version_is_told_to_the_pool_even_if_that_failed_before(
    following: Following, registry: Registry, networks: Path
) -> None:
    async def body() -> None:
        await until(lambda: following.served == "lapwing_model_version 1.0")
        models.publish(registry, networks / "right", "second")
        await asyncio.to_thread(following.watcher.poll)  # the follower has not seen this change
        await until(lambda: following.served == "lapwing_model_version 2.0")

    following.run(body())
