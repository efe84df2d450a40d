import asyncio
import os
import signal
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
from support.data import models, samples

from contract.errors import ModelError
from contract.models.registry import Registry
from inference.workers import protocol
from inference.workers.worker_client import LaneDiedError, LaneFailedError, LaneProcess


def run(
    registry: Registry, body: Callable[[LaneProcess], Coroutine[Any, Any, None]]
) -> list[LaneProcess]:
    """Run `body` with a lane; return the lanes that were lost."""
    lost: list[LaneProcess] = []

    async def inside() -> None:
        lane = LaneProcess(registry.root, lost.append)
        await lane.start()
        try:
            await asyncio.wait_for(body(lane), 20)
        finally:
            lane.end()
            await asyncio.to_thread(lane.wait)
        with pytest.raises(ProcessLookupError):
            os.kill(lane.pid, 0)

    asyncio.run(inside())
    return lost


def test_replies_are_those_to_what_was_asked(registry: Registry, networks: Path) -> None:
    models.publish(registry, networks / "left", "job")

    async def body(lane: LaneProcess) -> None:
        asked = [
            lane.ask(protocol.LOAD, 1),
            lane.ask(protocol.FRAME, 1, samples.jpeg()),
            lane.ask(protocol.FRAME, 1, b"no JPEG"),
            lane.ask(protocol.LOAD, 2),
            lane.ask(protocol.FRAME, 3, samples.jpeg()),
            lane.ask(protocol.CHECK, 1),
        ]
        assert lane.waiting == 6
        answers = await asyncio.gather(*asked, return_exceptions=True)
        assert lane.waiting == 0
        assert answers[0] == answers[5] == b""
        assert isinstance(answers[1], bytes)
        assert len(answers[1]) == protocol.STEERED.size
        assert "not a JPEG" in str(answers[2])
        assert isinstance(answers[3], ModelError)
        assert isinstance(answers[4], LaneFailedError)

    assert run(registry, body) == []


def test_a_picture_larger_than_the_socket_holds_arrives(registry: Registry, networks: Path) -> None:
    models.publish(registry, networks / "left", "job")
    large = samples.jpeg(0.1, 0, 1400, 2000)
    assert len(large) > 500_000

    async def body(lane: LaneProcess) -> None:
        await lane.ask(protocol.LOAD, 1)
        assert await asyncio.gather(*(lane.ask(protocol.FRAME, 1, large) for _ in range(4)))

    run(registry, body)


def test_one_that_dies_fails_what_it_was_asked_and_is_told_of(registry: Registry) -> None:
    async def body(lane: LaneProcess) -> None:
        os.kill(lane.pid, signal.SIGSTOP)
        asked = lane.ask(protocol.CHECK, 1)
        os.kill(lane.pid, signal.SIGKILL)
        with pytest.raises(LaneDiedError):
            await asked
        with pytest.raises(LaneDiedError):
            await lane.ask(protocol.CHECK, 1)

    assert len(run(registry, body)) == 1


@pytest.mark.parametrize("sign", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_to_the_whole_group_does_not_end_it(
    registry: Registry, networks: Path, sign: signal.Signals
) -> None:
    models.publish(registry, networks / "left", "job")

    async def body(lane: LaneProcess) -> None:
        await lane.ask(protocol.LOAD, 1)
        os.kill(lane.pid, sign)
        await lane.ask(protocol.CHECK, 1)

    assert run(registry, body) == []
