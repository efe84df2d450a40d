"""Tests of the workers: real processes, which die, hang and are replaced."""

import asyncio
import os
import signal
import time
from pathlib import Path

import pytest
from support.services.engines import JPEG, Rig, ask

from contract.models.registry import Registry
from inference.workers.scheduler import Scheduler
from inference.workers.worker_client import WorkerDiedError


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
        deadline = time.monotonic() + 10
        while "lapwing_lanes 2.0" not in rig.metrics.text().decode():
            assert time.monotonic() < deadline
            await asyncio.sleep(0.02)
        os.kill(alive, signal.SIGSTOP)
        done, rest = await asyncio.wait([ask(scheduler) for _ in range(3)], timeout=5)
        assert done
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
        assert sum(isinstance(answer, WorkerDiedError) for answer in answers) == 1
        while hung in scheduler.pool.pids:
            await asyncio.sleep(0.02)
        assert len(await scheduler.predict(1, [JPEG, JPEG])) == 2

    hasty.run(body)


def test_a_worker_whose_version_is_damaged_is_started_again(rig: Rig) -> None:
    tflite = rig.registry.path(1) / "model.tflite"
    content = tflite.read_bytes()

    async def body(scheduler: Scheduler) -> None:
        (left,) = await scheduler.predict(1, [JPEG])
        tflite.write_bytes(b"half a mod")
        first = scheduler.pool.pids
        os.kill(first[0], signal.SIGKILL)
        deadline = time.monotonic() + 15
        while scheduler.pool.pids[0] == first[0]:
            assert time.monotonic() < deadline
            await asyncio.sleep(0.02)
        assert await scheduler.predict(1, [JPEG]) == [left]
        tflite.write_bytes(content)
        os.kill(first[1], signal.SIGKILL)  # only the worker that could not load the version is left
        while True:
            assert time.monotonic() < deadline
            try:
                answered = await asyncio.wait_for(scheduler.predict(1, [JPEG]), 10)
                break
            except WorkerDiedError:
                await asyncio.sleep(0.02)
        assert answered == [left]

    rig.run(body)


def test_the_workers_end_with_the_scheduler(rig: Rig) -> None:
    async def body(scheduler: Scheduler) -> None:
        await scheduler.predict(1, [JPEG])

    rig.run(body)
    for pid in rig.scheduler.pool.pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
