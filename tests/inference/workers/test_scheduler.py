"""Tests of the queue with real workers, which are stopped, killed and given bad models."""

import asyncio
import contextlib
import os
import signal
from pathlib import Path

import numpy as np
import pytest
from support.data import models, samples
from support.services.engines import JPEG, Rig, answered, ask

from contract.errors import BrokenFrameError, ModelError, NotAJpegError
from contract.frames import preprocess
from contract.models.registry import Registry
from contract.policy.litert import LiteRT
from inference.workers.pool import MAX_IN_FLIGHT
from inference.workers.scheduler import BusyError, FrameTimeoutError, Scheduler


def test_a_frame_gets_the_prediction_of_the_network(rig: Rig, networks: Path) -> None:
    expected = LiteRT(networks / "left").predict(preprocess.prepare(JPEG)[None]).item()

    async def body(scheduler: Scheduler) -> None:
        (answer,) = await scheduler.predict(1, [JPEG])
        assert answer.steering == pytest.approx(expected, abs=1e-6)
        assert answer.speed_mph is None

    rig.run(body)


def test_both_workers_get_frames(rig: Rig) -> None:
    async def body(scheduler: Scheduler) -> None:
        rig.signal(signal.SIGSTOP)
        waiting = [ask(scheduler) for _ in range(2)]
        await asyncio.sleep(0.1)
        os.kill(scheduler.pool.pids[1], signal.SIGCONT)
        done, _ = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        assert len(done) == 1  # the other worker has the other frame
        rig.signal(signal.SIGCONT)
        await asyncio.gather(*waiting)

    rig.run(body)


def test_a_frame_that_would_wait_too_long_is_refused_at_once(
    registry: Registry, networks: Path
) -> None:
    rig = Rig(registry, networks, max_wait_s=0.01)

    async def body(scheduler: Scheduler) -> None:
        rig.signal(signal.SIGSTOP)
        waiting = []

        async def fill_queue() -> None:
            while True:
                scheduler.admit()
                waiting.append(ask(scheduler))
                await asyncio.sleep(0)

        with pytest.raises(BusyError, match=r"got \d+ frames, about \d+ ms of work"):
            await fill_queue()
        assert len(waiting) > 2
        rig.signal(signal.SIGCONT)
        assert len(await asyncio.gather(*waiting)) == len(waiting)
        scheduler.admit()

    rig.run(body)


def test_a_single_frame_does_not_wait_for_forms(registry: Registry, networks: Path) -> None:
    """Six forms of 64 frames take longer than a frame may wait."""
    rig = Rig(registry, networks, max_wait_s=0.03)

    async def body(scheduler: Scheduler) -> None:
        rig.signal(signal.SIGSTOP)
        forms = [asyncio.ensure_future(scheduler.predict(1, [JPEG] * 64)) for _ in range(6)]
        await asyncio.sleep(0)
        scheduler.admit()
        with pytest.raises(BusyError):
            scheduler.admit(is_form=True)
        single = ask(scheduler)
        await asyncio.sleep(0)
        rig.signal(signal.SIGCONT)
        await single
        assert not forms[0].done()
        outcomes = await asyncio.gather(*forms, return_exceptions=True)
        answered = [steerings for steerings in outcomes if isinstance(steerings, list)]
        assert answered == [outcomes[0]] * len(answered)
        assert len(answered[0]) == 64
        assert all(isinstance(refusal, BusyError) for refusal in outcomes[len(answered) :])

    rig.run(body)


def test_fewer_frames_may_wait_when_frames_are_slow(registry: Registry, networks: Path) -> None:
    rig = Rig(registry, networks, max_wait_s=0.1)

    async def body(scheduler: Scheduler) -> None:
        async def admitted() -> int:
            rig.signal(signal.SIGSTOP)
            waiting = []
            with contextlib.suppress(BusyError):
                while True:
                    scheduler.admit()
                    waiting.append(ask(scheduler))
                    await asyncio.sleep(0)
            rig.signal(signal.SIGCONT)
            await asyncio.gather(*waiting)
            return len(waiting)

        before = await admitted()
        large = samples.jpeg(0.3, 0, 1500, 2000)  # takes a hundred times as long to decode
        for _ in range(20):
            await scheduler.predict(1, [large])
        assert await admitted() < before / 4

    rig.run(body)


def test_several_frames_are_predicted_in_order(rig: Rig) -> None:
    jpegs = [samples.jpeg(steering) for steering in np.linspace(-1, 1, 9)]

    async def body(scheduler: Scheduler) -> None:
        together = await scheduler.predict(1, jpegs)
        assert together == [(await scheduler.predict(1, [jpeg]))[0] for jpeg in jpegs]
        assert len(set(together)) > 1

    rig.run(body)


def test_the_error_names_the_bad_frame_among_several(rig: Rig) -> None:
    async def body(scheduler: Scheduler) -> None:
        with pytest.raises(NotAJpegError, match=r"not a JPEG: got picture 2 \(3 bytes"):
            await scheduler.predict(1, [JPEG, b"GIF", JPEG])
        with pytest.raises(BrokenFrameError):
            await scheduler.predict(1, [JPEG[:500]])
        assert len(await scheduler.predict(1, [JPEG])) == 1

    rig.run(body)


def test_a_cancelled_frame_does_no_harm(rig: Rig) -> None:
    async def body(scheduler: Scheduler) -> None:
        rig.signal(signal.SIGSTOP)
        cancelled = ask(scheduler)
        await asyncio.sleep(0)
        cancelled.cancel()
        await asyncio.sleep(0)
        rig.signal(signal.SIGCONT)
        assert len(await scheduler.predict(1, [JPEG])) == 1

    rig.run(body)


@pytest.mark.parametrize("frames", [1, 3])
def test_a_frame_that_no_worker_answers_has_a_deadline(
    registry: Registry, networks: Path, frames: int
) -> None:
    rig = Rig(registry, networks, answer_s=2.0)

    async def body(scheduler: Scheduler) -> None:
        rig.signal(signal.SIGSTOP)
        with pytest.raises(FrameTimeoutError, match="in time: got 2 s"):
            await scheduler.predict(1, [JPEG] * frames)
        rig.signal(signal.SIGCONT)
        await answered(scheduler, 1)

    rig.run(body)


def test_a_frame_that_nobody_waits_for_any_more_is_not_computed(rig: Rig) -> None:
    """It waits behind the others, and a client has left or has had its deadline."""

    async def body(scheduler: Scheduler) -> None:
        await scheduler.pool.load(2)
        rig.signal(signal.SIGSTOP)
        full = [ask(scheduler) for _ in range(2 * MAX_IN_FLIGHT)]
        late = [ask(scheduler, 2) for _ in range(3)]
        await asyncio.sleep(0)
        for request in late:
            request.cancel()
        await asyncio.sleep(0)
        rig.signal(signal.SIGCONT)
        await asyncio.gather(*full)
        for _ in range(10):  # by then, the others would have been computed too
            await scheduler.predict(1, [JPEG])

    rig.run(body)
    stages = 'lapwing_stage_seconds_count{stage="infer"} '
    assert f"{stages}{2 * MAX_IN_FLIGHT + 10:.1f}" in rig.metrics.text().decode()


def test_queued_frames_are_predicted_by_their_own_version_after_a_change(rig: Rig) -> None:
    async def body(scheduler: Scheduler) -> None:
        (left,) = await scheduler.predict(1, [JPEG])
        await scheduler.pool.load(2)
        rig.signal(signal.SIGSTOP)
        old = [ask(scheduler, 1) for _ in range(7)]
        await asyncio.sleep(0)
        scheduler.pool.set_current(2)
        new = [ask(scheduler, 2) for _ in range(7)]
        await asyncio.sleep(0)
        rig.signal(signal.SIGCONT)
        assert await asyncio.gather(*old) == [[left]] * 7
        turned = [right.steering - left.steering for (right,) in await asyncio.gather(*new)]
        assert all(abs(difference) > 0.2 for difference in turned)

    rig.run(body)


def test_an_older_version_can_become_current_again(rig: Rig) -> None:
    async def body(scheduler: Scheduler) -> None:
        (left,) = await scheduler.predict(1, [JPEG])
        for version in (2, 1):
            await scheduler.pool.load(version)
            scheduler.pool.set_current(version)
        assert await scheduler.predict(1, [JPEG]) == [left]

    rig.run(body)


def test_an_unfit_version_is_refused_and_the_other_drives_on(rig: Rig) -> None:
    bad = models.publish(rig.registry, rig.networks / "nan", "bad")

    async def body(scheduler: Scheduler) -> None:
        (left,) = await scheduler.predict(1, [JPEG])
        with pytest.raises(ModelError, match="version 3 answers with no number"):
            await scheduler.pool.load(bad.version)
        assert await scheduler.predict(1, [JPEG]) == [left]
        await scheduler.pool.check(1)

    rig.run(body)


def test_the_stages_are_measured(rig: Rig) -> None:
    async def body(scheduler: Scheduler) -> None:
        await scheduler.predict(1, [JPEG, JPEG])

    rig.run(body)
    lines = rig.metrics.text().decode().splitlines()
    for stage in ("queue", "decode", "resize", "infer"):
        assert f'lapwing_stage_seconds_count{{stage="{stage}"}} 2.0' in lines
    assert "lapwing_request_pictures_sum 2.0" in lines
