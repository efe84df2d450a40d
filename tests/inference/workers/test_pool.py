"""The engine's lanes: real processes, which die, hang and are replaced."""

import asyncio
import os
import signal
import time

import pytest
from support.services.engines import JPEG, Rig, ask

from inference.workers.scheduler import Engine
from inference.workers.worker_client import LaneDiedError


def test_a_lane_that_dies_fails_its_own_frames_and_is_replaced(rig: Rig) -> None:
    async def body(engine: Engine) -> None:
        (left,) = await engine.steer(1, [JPEG])
        dead, alive = engine.pids
        os.kill(dead, signal.SIGSTOP)
        waiting = [ask(engine) for _ in range(6)]
        await asyncio.sleep(0.1)
        os.kill(dead, signal.SIGKILL)
        answers = await asyncio.gather(*waiting, return_exceptions=True)
        assert sum(isinstance(each, LaneDiedError) for each in answers) in (1, 2, 3)
        assert all(each == [left] for each in answers if not isinstance(each, LaneDiedError))
        assert await engine.steer(1, [JPEG]) == [left]  # by the lane that is left
        assert "lapwing_lanes 1.0" in rig.metrics.text().decode()
        deadline = time.monotonic() + 10
        while "lapwing_lanes 2.0" not in rig.metrics.text().decode():
            assert time.monotonic() < deadline
            await asyncio.sleep(0.02)
        os.kill(alive, signal.SIGSTOP)
        done, rest = await asyncio.wait([ask(engine) for _ in range(3)], timeout=5)
        assert done
        assert all(each.result() == [left] for each in done)
        os.kill(alive, signal.SIGCONT)
        await asyncio.gather(*rest)

    rig.run(body)


def test_a_lane_that_hangs_is_ended_and_replaced(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    async def body(engine: Engine) -> None:
        hung = engine.pids[0]
        os.kill(hung, signal.SIGSTOP)
        monkeypatch.setattr("inference.workers.pool.HANG_S", 1.0)
        answers = await asyncio.gather(*(ask(engine) for _ in range(2)), return_exceptions=True)
        monkeypatch.undo()  # a lane that starts has more time
        assert sum(isinstance(each, LaneDiedError) for each in answers) == 1
        while hung in engine.pids:
            await asyncio.sleep(0.02)
        assert len(await engine.steer(1, [JPEG, JPEG])) == 2

    rig.run(body)


def test_a_lane_whose_version_was_damaged_meanwhile_is_tried_again(rig: Rig) -> None:
    twin = rig.registry.path(1) / "model.tflite"
    content = twin.read_bytes()

    async def body(engine: Engine) -> None:
        (left,) = await engine.steer(1, [JPEG])
        twin.write_bytes(b"half a mod")
        first = engine.pids
        os.kill(first[0], signal.SIGKILL)
        deadline = time.monotonic() + 15
        while engine.pids[0] == first[0]:
            assert time.monotonic() < deadline
            await asyncio.sleep(0.02)
        assert await engine.steer(1, [JPEG]) == [left]
        twin.write_bytes(content)
        os.kill(first[1], signal.SIGKILL)  # now all depends on the lane that could not load it
        while True:
            assert time.monotonic() < deadline
            try:
                answered = await asyncio.wait_for(engine.steer(1, [JPEG]), 10)
                break
            except LaneDiedError:
                await asyncio.sleep(0.02)
        assert answered == [left]

    rig.run(body)


def test_the_lanes_end_with_the_engine(rig: Rig) -> None:
    async def body(engine: Engine) -> None:
        await engine.steer(1, [JPEG])

    rig.run(body)
    for pid in rig.engine.pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
