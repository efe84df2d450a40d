import asyncio
import signal
import subprocess
import sys
from collections.abc import Callable

import pytest

from contract.errors import ServiceError
from contract.perpetual import PerpetualWork, describe


class Stop(BaseException):
    """What no `except Exception` catches."""


class UnexpectedError(RuntimeError):
    """What nobody expects."""


class Steps:
    """Work that does as it is told, step by step, and then always succeeds."""

    def __init__(self, *outcomes: BaseException | None) -> None:
        self._outcomes = list(outcomes)
        self.done = 0

    def __call__(self) -> None:
        self.done += 1
        outcome = self._outcomes.pop(0) if self._outcomes else None
        if outcome is not None:
            raise outcome

    async def step(self) -> None:
        self()


class Rig:
    """A piece of work, and what it reported."""

    def __init__(self) -> None:
        self.reports: list[tuple[str, Exception]] = []
        self.ended: list[str] = []
        self.pauses_s: list[float] = []
        self.troubles: list[str] = []
        self.work = PerpetualWork("the work", self.report, self.ended.append, longest_pause_s=2.0)

    def report(self, text: str, error: Exception) -> None:
        self.reports.append((text, error))

    def sleep_until(self, steps: int) -> Callable[[float], bool]:
        """Return a sleep that does not wait, and ends the work after a number of steps."""

        def sleep(pause_s: float) -> bool:
            self.pauses_s.append(pause_s)
            self.troubles.append(self.work.trouble)
            return len(self.pauses_s) > steps

        return sleep


@pytest.fixture
def rig() -> Rig:
    return Rig()


def test_work_goes_on_after_errors_and_says_them(rig: Rig) -> None:
    fault, memory = UnexpectedError("broken"), MemoryError()
    steps = Steps(None, fault, memory)
    rig.work.run(steps, rig.sleep_until(5), every_s=0.1)
    assert steps.done == 5
    assert rig.reports == [
        ("the work failed: UnexpectedError: broken. It is tried again in 0.5 s", fault),
        ("the work failed: MemoryError. It is tried again in 1 s", memory),
    ]
    said = ["the work failed: UnexpectedError: broken.", "the work failed: MemoryError."]
    assert rig.troubles == ["", "", *said, "", ""]
    assert rig.ended == []


def test_pauses_grow_up_to_the_longest_and_begin_anew_after_a_success(rig: Rig) -> None:
    steps = Steps(*[UnexpectedError()] * 4, None, UnexpectedError())
    rig.work.run(steps, rig.sleep_until(7), every_s=0.1)
    assert rig.pauses_s == [0.0, 0.5, 1.0, 2.0, 2.0, 0.1, 0.5, 0.1]


def test_work_that_ends_nevertheless_ends_its_process(rig: Rig) -> None:
    with pytest.raises(Stop):
        rig.work.run(Steps(Stop()), rig.sleep_until(9), every_s=0.1)
    assert rig.ended == ["the work"]


def test_work_whose_report_fails_ends_its_process(rig: Rig) -> None:
    def fail(text: str, error: Exception) -> None:
        raise BrokenPipeError

    work = PerpetualWork("the work", fail, rig.ended.append)
    with pytest.raises(BrokenPipeError):
        work.run(Steps(UnexpectedError()), rig.sleep_until(9), every_s=0.1)
    assert rig.ended == ["the work"]


def test_a_task_goes_on_after_an_error_until_it_is_cancelled(rig: Rig) -> None:
    steps = Steps(UnexpectedError("broken"))

    async def body() -> None:
        task = asyncio.create_task(rig.work.run_async(steps.step, 0.0))
        while steps.done < 3:
            await asyncio.sleep(0.01)
        assert rig.work.trouble == ""
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(asyncio.wait_for(body(), 60))
    assert len(rig.reports) == 1
    assert rig.ended == []


def test_a_task_that_ends_nevertheless_ends_its_process(rig: Rig) -> None:
    async def body() -> None:
        with pytest.raises(Stop):
            await rig.work.run_async(Steps(Stop()).step, 0.0)

    asyncio.run(asyncio.wait_for(body(), 60))
    assert rig.ended == ["the work"]


def test_the_end_is_told_and_comes_from_outside() -> None:
    code = "import time; from contract.perpetual import *; end_process('the work'); time.sleep(60)"
    ended = subprocess.run(
        [sys.executable, "-c", code], stderr=subprocess.PIPE, text=True, timeout=60, check=False
    )
    assert ended.returncode == -signal.SIGTERM
    assert "the work has ended for good" in ended.stderr


def test_only_an_error_that_is_not_our_own_needs_its_type() -> None:
    assert describe(ServiceError("it is away", remedy="Wait")) == "it is away. Wait."
    assert describe(KeyError("x")) == "KeyError: 'x'"
    assert describe(MemoryError()) == "MemoryError"
