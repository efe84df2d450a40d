"""Tests of the workers: real processes, which die, hang and are replaced."""

import asyncio
import os
import resource
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from support.services.engines import JPEG, Rig, answered, ask, until

from contract.errors import ModelError
from contract.models.registry import TFLITE, Registry
from inference.workers.pool import NoWorkerError
from inference.workers.scheduler import Scheduler
from inference.workers.worker_client import WorkerDiedError, WorkerFailedError


def test_a_worker_that_dies_fails_its_own_frames_and_is_replaced(rig: Rig) -> None:
    async def body(scheduler: Scheduler) -> None:
        (left,) = await scheduler.predict(1, [JPEG])
        dead, alive = scheduler.pool.pids
        os.kill(dead, signal.SIGSTOP)
        waiting = [ask(scheduler) for _ in range(6)]
        await asyncio.sleep(0.1)
        os.kill(dead, signal.SIGKILL)
        answers = await asyncio.gather(*waiting, return_exceptions=True)
        assert sum(isinstance(answer, WorkerDiedError) for answer in answers) in (1, 2, 3)
        assert all(
            answer == [left] for answer in answers if not isinstance(answer, WorkerDiedError)
        )
        assert await scheduler.predict(1, [JPEG]) == [left]  # by the worker that is left
        assert "lapwing_lanes 1.0" in rig.metrics.text().decode()
        await until(lambda: "lapwing_lanes 2.0" in rig.metrics.text().decode())
        os.kill(alive, signal.SIGSTOP)
        done, rest = await asyncio.wait(
            [ask(scheduler) for _ in range(3)], return_when=asyncio.FIRST_COMPLETED
        )
        assert all(prediction.result() == [left] for prediction in done)
        os.kill(alive, signal.SIGCONT)
        await asyncio.gather(*rest)

    rig.run(body)


def test_a_worker_that_hangs_is_killed_and_replaced(registry: Registry, networks: Path) -> None:
    hasty = Rig(registry, networks, max_wait_s=60.0, hang_timeout_s=1.0)

    async def body(scheduler: Scheduler) -> None:
        hung = scheduler.pool.pids[0]
        os.kill(hung, signal.SIGSTOP)
        answers = await asyncio.gather(*(ask(scheduler) for _ in range(2)), return_exceptions=True)
        assert any(isinstance(answer, WorkerDiedError) for answer in answers)
        await until(lambda: hung not in scheduler.pool.pids)
        await answered(scheduler, 1)

    hasty.run(body)


def damage(rig: Rig, version: int) -> Callable[[], object]:
    """Damage a version, and return what repairs it."""
    tflite = rig.registry.path(version) / TFLITE
    content = tflite.read_bytes()
    tflite.write_bytes(b"half a mod")
    return lambda: tflite.write_bytes(content)


async def kill_all(scheduler: Scheduler) -> None:
    for pid in scheduler.pool.pids:
        os.kill(pid, signal.SIGKILL)
    await until(lambda: scheduler.pool.serving == 0)


def test_without_a_worker_every_frame_is_refused_at_once(
    registry: Registry, networks: Path
) -> None:
    rig = Rig(registry, networks, max_wait_s=60.0)

    async def body(scheduler: Scheduler) -> None:
        (left,) = await scheduler.predict(1, [JPEG])
        repair = damage(rig, 1)
        rig.signal(signal.SIGSTOP)
        single, form = ask(scheduler), asyncio.ensure_future(scheduler.predict(1, [JPEG] * 64))
        queued = [ask(scheduler) for _ in range(200)]  # more than the workers take at a time
        await asyncio.sleep(0)
        await kill_all(scheduler)
        outcomes = await asyncio.gather(single, form, *queued, return_exceptions=True)
        assert {type(outcome) for outcome in outcomes} == {WorkerDiedError, NoWorkerError}
        with pytest.raises(NoWorkerError, match="no process that computes frames runs"):
            scheduler.admit()
        for frames in (1, 3):
            with pytest.raises(NoWorkerError):
                await scheduler.predict(1, [JPEG] * frames)
        # A worker that runs but has no version to predict with does not take frames.
        await until(lambda: "not what its manifest says" in scheduler.pool.trouble)
        assert scheduler.pool.serving == scheduler.pool.available == 0
        repair()
        assert await answered(scheduler, 1) == [left]
        await until(lambda: scheduler.pool.serving == 2 and not scheduler.pool.trouble)

    rig.run(body)


def test_workers_that_cannot_load_the_present_version_load_the_next(rig: Rig) -> None:
    async def body(scheduler: Scheduler) -> None:
        damage(rig, 1)
        await kill_all(scheduler)
        await until(lambda: "not what its manifest says" in scheduler.pool.trouble)
        await scheduler.pool.load(2)
        scheduler.pool.set_current(2)
        assert len(await answered(scheduler, 2)) == 1

    rig.run(body)


def test_a_worker_that_cannot_be_started_is_started_later(rig: Rig) -> None:
    async def body(scheduler: Scheduler) -> None:
        limits = resource.getrlimit(resource.RLIMIT_NOFILE)
        os.kill(scheduler.pool.pids[0], signal.SIGKILL)
        resource.setrlimit(resource.RLIMIT_NOFILE, (3, limits[1]))  # no file can be opened
        try:
            await until(lambda: "Too many open files" in scheduler.pool.trouble)
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, limits)
        assert scheduler.pool.serving == 1
        await until(lambda: scheduler.pool.serving == 2 and not scheduler.pool.trouble)

    rig.run(body)


def test_a_worker_that_dies_as_it_loads_a_version_does_not_refuse_the_version(rig: Rig) -> None:
    async def body(scheduler: Scheduler) -> None:
        os.kill(scheduler.pool.pids[0], signal.SIGSTOP)
        loading = asyncio.ensure_future(scheduler.pool.load(2))
        await asyncio.sleep(0)
        os.kill(scheduler.pool.pids[0], signal.SIGKILL)
        with pytest.raises(WorkerDiedError):
            await loading
        assert scheduler.pool.serving == 1  # the other one was spared
        await scheduler.pool.load(2)

    rig.run(body)


async def loading_of_the_second(scheduler: Scheduler) -> asyncio.Future[None]:
    """Begin to load version 2; return once one worker has loaded it and the other is stopped."""
    os.kill(scheduler.pool.pids[1], signal.SIGSTOP)
    loading = asyncio.ensure_future(scheduler.pool.load(2))

    def has_loaded() -> bool:
        worker = scheduler.pool.least_busy()
        return worker is not None and 2 in worker.versions

    await until(has_loaded)
    return loading


def test_the_death_of_another_worker_does_not_keep_a_version_from_being_loaded(rig: Rig) -> None:
    async def body(scheduler: Scheduler) -> None:
        loading = await loading_of_the_second(scheduler)
        os.kill(scheduler.pool.pids[1], signal.SIGKILL)
        await loading
        assert len(await scheduler.predict(2, [JPEG])) == 1
        await until(lambda: scheduler.pool.serving == 2)  # its replacement has loaded both
        assert len(await scheduler.predict(2, [JPEG] * 9)) == 9

    rig.run(body)


def test_a_version_that_is_refused_does_not_stay_loaded(rig: Rig) -> None:
    async def body(scheduler: Scheduler) -> None:
        loading = await loading_of_the_second(scheduler)
        damage(rig, 2)
        os.kill(scheduler.pool.pids[1], signal.SIGCONT)
        with pytest.raises(ModelError, match="not what its manifest says"):
            await loading
        for _ in range(4):  # both workers are asked
            with pytest.raises(WorkerFailedError, match="KeyError: 2"):
                await scheduler.predict(2, [JPEG])
        assert len(await scheduler.predict(1, [JPEG])) == 1

    rig.run(body)


def test_the_workers_end_with_the_scheduler(rig: Rig) -> None:
    async def body(scheduler: Scheduler) -> None:
        await scheduler.predict(1, [JPEG])

    rig.run(body)
    for pid in rig.scheduler.pool.pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
