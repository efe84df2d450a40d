import asyncio
import threading
from collections.abc import Callable, Coroutine
from typing import Any

import models
import numpy as np
import numpy.typing as npt
import pytest
import samples

from contract.errors import BrokenFrameError, NotAJpegError
from contract.golden import COUNT, Golden
from inference.engine import BusyError, Engine
from inference.metrics import Metrics
from inference.pilot import Pilot

JPEG = samples.jpeg(0.3)
GOLDEN = Golden(np.zeros((COUNT, 128, 128, 3), np.uint8), np.zeros(COUNT, np.float32))


class Gated:
    """A backend that answers with its number, once its gate is open."""

    def __init__(self, number: float, gate: threading.Event) -> None:
        self._number = number
        self._gate = gate
        self.calls = 0

    def predict(self, frames: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        assert self._gate.wait(10)
        self.calls += 1
        return np.full(len(frames), self._number, np.float32)


class Rig:
    """An engine of two lanes, and a pilot for it whose lanes answer 0 and 0.5."""

    def __init__(self, longest_wait_s: float) -> None:
        self.gate = threading.Event()
        self.lanes = [Gated(number / 2, self.gate) for number in range(2)]
        self.pilot = Pilot(models.manifest("job"), self.lanes, self.lanes[0], GOLDEN)
        self.metrics = Metrics()
        self.engine = Engine(2, longest_wait_s, self.metrics)


def run(rig: Rig, body: Callable[[], Coroutine[Any, Any, None]]) -> None:
    async def inside() -> None:
        with rig.engine:
            try:
                await body()
            finally:
                rig.gate.set()  # else its threads would never end

    asyncio.run(inside())


def test_both_lanes_work_at_once_and_each_with_its_own_network() -> None:
    rig = Rig(1.0)

    async def body() -> None:
        answers = [asyncio.ensure_future(rig.engine.steer(rig.pilot, [JPEG])) for _ in range(2)]
        await asyncio.sleep(0.05)
        assert not any(answer.done() for answer in answers)
        rig.gate.set()
        assert sorted(await asyncio.gather(*answers)) == [[0.0], [0.5]]

    run(rig, body)
    assert [lane.calls for lane in rig.lanes] == [1, 1]


def test_a_frame_that_would_wait_too_long_is_refused_at_once_and_the_others_are_not() -> None:
    rig = Rig(0.002)  # of two lanes, at a guessed millisecond a frame: four may wait

    async def body() -> None:
        waiting = [asyncio.ensure_future(rig.engine.steer(rig.pilot, [JPEG])) for _ in range(6)]
        await asyncio.sleep(0)
        with pytest.raises(BusyError, match="got 6 frames, about 2 ms of work"):
            await rig.engine.steer(rig.pilot, [JPEG])
        rig.gate.set()
        assert len(await asyncio.gather(*waiting)) == 6
        rig.engine.admit(1)

    run(rig, body)


def test_a_slow_network_lets_fewer_wait() -> None:
    rig = Rig(0.05)

    async def body() -> None:
        slow = asyncio.ensure_future(rig.engine.steer(rig.pilot, [JPEG]))
        await asyncio.sleep(1.0)
        rig.engine.admit(50)
        rig.gate.set()
        await slow
        with pytest.raises(BusyError):  # a frame is known to take about 50 ms now
            rig.engine.admit(50)

    run(rig, body)


def test_several_pictures_are_answered_in_order() -> None:
    rig = Rig(1.0)
    rig.gate.set()

    class Brightness:
        def predict(self, frames: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
            return frames.mean(axis=(1, 2, 3), dtype=np.float32) / 255

    pilot = Pilot(models.manifest("job"), [Brightness(), Brightness()], Brightness(), GOLDEN)
    jpegs = [samples.jpeg(each) for each in np.linspace(-1, 1, 9)]

    async def body() -> None:
        together = await rig.engine.steer(pilot, jpegs)
        assert together == [(await rig.engine.steer(pilot, [each]))[0] for each in jpegs]
        assert len(set(together)) > 1

    run(rig, body)


def test_the_bad_one_of_several_is_named() -> None:
    rig = Rig(1.0)
    rig.gate.set()

    async def body() -> None:
        with pytest.raises(NotAJpegError, match=r"not a JPEG: got picture 2 \(3 bytes"):
            await rig.engine.steer(rig.pilot, [JPEG, b"GIF", JPEG])
        with pytest.raises(BrokenFrameError):
            await rig.engine.steer(rig.pilot, [JPEG[:500]])

    run(rig, body)


def test_what_nobody_waits_for_any_more_does_no_harm() -> None:
    rig = Rig(1.0)

    async def body() -> None:
        gone = asyncio.ensure_future(rig.engine.steer(rig.pilot, [JPEG]))
        await asyncio.sleep(0.05)
        gone.cancel()
        await asyncio.sleep(0)
        rig.gate.set()
        assert await rig.engine.steer(rig.pilot, [JPEG]) in ([0.0], [0.5])

    run(rig, body)


def test_the_stages_are_measured() -> None:
    rig = Rig(1.0)
    rig.gate.set()

    async def body() -> None:
        await rig.engine.steer(rig.pilot, [JPEG, JPEG])

    run(rig, body)
    lines = rig.metrics.text().decode().splitlines()
    for stage in ("queue", "decode", "resize", "infer"):
        assert f'lapwing_stage_seconds_count{{stage="{stage}"}} 2.0' in lines
    assert "lapwing_request_pictures_sum 2.0" in lines
