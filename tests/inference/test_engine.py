"""The queue and its lanes: real processes, which are stopped, killed and given bad models."""

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import models
import numpy as np
import pytest
import samples

from contract import frame
from contract.errors import BrokenFrameError, ModelError, NotAJpegError
from contract.litert import LiteRT
from contract.registry import Registry
from inference.engine import BusyError, Engine
from inference.lane_process import LaneDiedError
from inference.metrics import Metrics

JPEG = samples.jpeg(0.3)


class Rig:
    """An engine of two lanes over a registry of two versions, left and right."""

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


@pytest.fixture
def rig(registry: Registry, networks: Path) -> Rig:
    return Rig(registry, networks)


def ask(engine: Engine, version: int = 1) -> "asyncio.Future[list[float]]":
    return asyncio.ensure_future(engine.steer(version, [JPEG]))


def test_a_frame_is_answered_as_the_network_answers(rig: Rig, networks: Path) -> None:
    expected = LiteRT(networks / "left").predict(frame.prepare(JPEG)[None])[0]

    async def body(engine: Engine) -> None:
        assert await engine.steer(1, [JPEG]) == [pytest.approx(float(expected), abs=1e-6)]

    rig.run(body)


def test_both_lanes_work(rig: Rig) -> None:
    async def body(engine: Engine) -> None:
        rig.signal(signal.SIGSTOP)
        waiting = [ask(engine) for _ in range(2)]
        await asyncio.sleep(0.1)
        os.kill(engine.pids[1], signal.SIGCONT)
        done, _ = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        assert len(done) == 1  # the other lane has the other
        rig.signal(signal.SIGCONT)
        await asyncio.gather(*waiting)

    rig.run(body)


def test_a_frame_that_would_wait_too_long_is_refused_at_once(
    registry: Registry, networks: Path
) -> None:
    rig = Rig(registry, networks, longest_wait_s=0.01)

    async def body(engine: Engine) -> None:
        rig.signal(signal.SIGSTOP)
        waiting = []

        async def crowd() -> None:
            while True:
                engine.admit()
                waiting.append(ask(engine))
                await asyncio.sleep(0)

        with pytest.raises(BusyError, match=r"got \d+ frames, about \d+ ms of work"):
            await crowd()
        assert len(waiting) > 2
        rig.signal(signal.SIGCONT)
        assert len(await asyncio.gather(*waiting)) == len(waiting)
        engine.admit()

    rig.run(body)


def test_slow_frames_let_fewer_wait(registry: Registry, networks: Path) -> None:
    rig = Rig(registry, networks, longest_wait_s=0.1)

    async def body(engine: Engine) -> None:
        async def admitted() -> int:
            rig.signal(signal.SIGSTOP)
            waiting = []
            with contextlib.suppress(BusyError):
                while True:
                    engine.admit()
                    waiting.append(ask(engine))
                    await asyncio.sleep(0)
            rig.signal(signal.SIGCONT)
            await asyncio.gather(*waiting)
            return len(waiting)

        before = await admitted()
        large = samples.jpeg(0.3, 0, 1500, 2000)  # takes a hundred times as long to decode
        for _ in range(60):
            await engine.steer(1, [large])
        assert await admitted() < before / 4

    rig.run(body)


def test_several_pictures_are_answered_in_order(rig: Rig) -> None:
    jpegs = [samples.jpeg(each) for each in np.linspace(-1, 1, 9)]

    async def body(engine: Engine) -> None:
        together = await engine.steer(1, jpegs)
        assert together == [(await engine.steer(1, [each]))[0] for each in jpegs]
        assert len(set(together)) > 1

    rig.run(body)


def test_the_bad_one_of_several_is_named(rig: Rig) -> None:
    async def body(engine: Engine) -> None:
        with pytest.raises(NotAJpegError, match=r"not a JPEG: got picture 2 \(3 bytes"):
            await engine.steer(1, [JPEG, b"GIF", JPEG])
        with pytest.raises(BrokenFrameError):
            await engine.steer(1, [JPEG[:500]])
        assert len(await engine.steer(1, [JPEG])) == 1

    rig.run(body)


def test_what_nobody_waits_for_any_more_does_no_harm(rig: Rig) -> None:
    async def body(engine: Engine) -> None:
        rig.signal(signal.SIGSTOP)
        gone = ask(engine)
        await asyncio.sleep(0)
        gone.cancel()
        await asyncio.sleep(0)
        rig.signal(signal.SIGCONT)
        assert len(await engine.steer(1, [JPEG])) == 1

    rig.run(body)


def test_a_version_is_answered_by_its_own_network_until_nobody_waits_for_it(rig: Rig) -> None:
    async def body(engine: Engine) -> None:
        (left,) = await engine.steer(1, [JPEG])
        await engine.load(2)
        rig.signal(signal.SIGSTOP)
        old = [ask(engine, 1) for _ in range(7)]
        await asyncio.sleep(0)
        engine.keep(2)
        new = [ask(engine, 2) for _ in range(7)]
        await asyncio.sleep(0)
        rig.signal(signal.SIGCONT)
        assert await asyncio.gather(*old) == [[left]] * 7
        assert all(abs(each - left) > 0.2 for (each,) in await asyncio.gather(*new))

    rig.run(body)


def test_an_older_version_drives_again(rig: Rig) -> None:
    async def body(engine: Engine) -> None:
        (left,) = await engine.steer(1, [JPEG])
        for version in (2, 1):
            await engine.load(version)
            engine.keep(version)
        assert await engine.steer(1, [JPEG]) == [left]

    rig.run(body)


def test_a_version_that_is_not_fit_is_refused_and_the_other_drives_on(rig: Rig) -> None:
    bad = models.publish(rig.registry, rig.networks / "nan", "bad")

    async def body(engine: Engine) -> None:
        (left,) = await engine.steer(1, [JPEG])
        with pytest.raises(ModelError, match="version 3 answers with no number"):
            await engine.load(bad.version)
        assert await engine.steer(1, [JPEG]) == [left]
        await engine.check(1)

    rig.run(body)


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
        monkeypatch.setattr("inference.crew.HANG_S", 1.0)
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


def test_the_stages_are_measured(rig: Rig) -> None:
    async def body(engine: Engine) -> None:
        await engine.steer(1, [JPEG, JPEG])

    rig.run(body)
    lines = rig.metrics.text().decode().splitlines()
    for stage in ("queue", "decode", "resize", "infer"):
        assert f'lapwing_stage_seconds_count{{stage="{stage}"}} 2.0' in lines
    assert "lapwing_request_pictures_sum 2.0" in lines


def test_the_lanes_end_with_the_engine(rig: Rig) -> None:
    async def body(engine: Engine) -> None:
        await engine.steer(1, [JPEG])

    rig.run(body)
    for pid in rig.engine.pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
