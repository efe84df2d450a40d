"""The queue and its lanes: real processes, which are stopped, killed and given bad models."""

import asyncio
import contextlib
import os
import signal
from pathlib import Path

import numpy as np
import pytest
from support.data import models, samples
from support.services.engines import JPEG, Rig, ask

from contract.errors import BrokenFrameError, ModelError, NotAJpegError
from contract.frames import preprocess
from contract.models.registry import Registry
from contract.policy.litert import LiteRT
from inference.workers.scheduler import BusyError, Engine


def test_a_frame_is_answered_as_the_network_answers(rig: Rig, networks: Path) -> None:
    expected = LiteRT(networks / "left").predict(preprocess.prepare(JPEG)[None])[0]

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


def test_the_stages_are_measured(rig: Rig) -> None:
    async def body(engine: Engine) -> None:
        await engine.steer(1, [JPEG, JPEG])

    rig.run(body)
    lines = rig.metrics.text().decode().splitlines()
    for stage in ("queue", "decode", "resize", "infer"):
        assert f'lapwing_stage_seconds_count{{stage="{stage}"}} 2.0' in lines
    assert "lapwing_request_pictures_sum 2.0" in lines
