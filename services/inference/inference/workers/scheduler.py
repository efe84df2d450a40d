"""The queue before the lanes, bounded by time, and the share-out of frames and versions to them.

A frame is refused at once when those before it would take longer than it may wait: late steering is
no use to anybody, and refusing costs a tenth of answering. A lane takes one frame at a time: LiteRT
computes eight together no faster than one by one, and the first would wait for the last.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter, deque
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final, Self

from contract.errors import FrameError, ServiceError
from inference.metrics import Metrics
from inference.workers import protocol
from inference.workers.pool import Crew
from inference.workers.protocol import Steered

FIRST_GUESS_S: Final = 0.001
"""What a frame takes, until some were measured."""
SMOOTHING: Final = 0.05
"""Weight of the newest frame in the running mean of what one takes."""


class BusyError(ServiceError):
    """A frame would wait for too long."""


@dataclass(frozen=True)
class Work:
    """One frame, the version that is to steer, and who waits for the answer."""

    version: int
    jpeg: bytes
    answer: asyncio.Future[float]
    queued_s: float


class Engine:
    """Computes frames in processes; use it in `async with`. All of it runs in the event loop.

    Args:
        lanes: how many processes.
        longest_wait_s: for how long a frame may wait.
        models: the registry's folder.
        metrics: are told what each stage took.
    """

    def __init__(self, lanes: int, longest_wait_s: float, models: Path, metrics: Metrics) -> None:
        self._longest_wait_s = longest_wait_s
        self._metrics = metrics
        self._queue: deque[Work] = deque()
        self._frame_s = FIRST_GUESS_S
        self._admitted: Counter[int] = Counter()
        """Frames that are queued or under way, by version."""
        self._crew = Crew(lanes, models, self._share_out, self._admitted.__contains__)

    async def __aenter__(self) -> Self:
        self._loop = asyncio.get_running_loop()
        await self._crew.start()
        self._metrics.lanes.set_function(lambda: self._crew.ready)
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._crew.end()

    @property
    def pids(self) -> list[int]:
        """Of the lanes' processes."""
        return self._crew.pids

    def admit(self) -> None:
        """See that one more frame would have its turn in time.

        Raises:
            BusyError: it would not.
        """
        admitted = self._admitted.total()
        wait_s = (admitted + 1 - len(self._crew)) * self._frame_s / len(self._crew)
        if wait_s > self._longest_wait_s:
            raise BusyError(
                "too many frames are waiting",
                got=f"{admitted} frames, about {wait_s * 1000:.0f} ms of work",
                remedy=f"Ask again later, or raise LAPWING_INFERENCE_QUEUE_MS: "
                f"{self._longest_wait_s * 1000:.0f} ms may be waited for",
            )

    async def steer(self, version: int, jpegs: list[bytes]) -> list[float]:
        """Return the steering of each picture, in order.

        Raises:
            BusyError: they would wait for too long.
            FrameError: one of them is no frame; of several, its number is named.
            ModelError: the network's answer is no number.
            LaneDiedError: the process that computed it is gone.
        """
        # A request of several comes in whole whenever one comes in at all.
        self.admit()
        self._metrics.pictures.observe(len(jpegs))
        answers = [self._put(version, jpeg) for jpeg in jpegs]
        self._share_out()
        if len(answers) == 1:
            return [await answers[0]]
        await asyncio.wait(answers)
        for number, answer in enumerate(answers, 1):
            error = answer.exception()
            if isinstance(error, FrameError):
                got = "" if error.got is None else f" ({error.got})"
                raise type(error)(error.what, got=f"picture {number}{got}", remedy=error.remedy)
        return [answer.result() for answer in answers]

    async def load(self, version: int) -> None:
        """Have every lane verify and load a version; raises ModelError where it is not fit."""
        await self._crew.load(version)

    async def check(self, version: int) -> None:
        """Have every lane see that a version still answers as it did; raises ModelError."""
        await self._crew.check(version)

    def keep(self, version: int) -> None:
        """Tell which version drives; the others are dropped as soon as nobody waits for them."""
        self._crew.keep(version)

    def _put(self, version: int, jpeg: bytes) -> asyncio.Future[float]:
        answer: asyncio.Future[float] = self._loop.create_future()
        self._admitted[version] += 1
        self._queue.append(Work(version, jpeg, answer, time.perf_counter()))
        return answer

    def _share_out(self) -> None:
        """Give the frames that wait to the lanes that have the least to do."""
        while self._queue and (lane := self._crew.least_busy()) is not None:
            work = self._queue.popleft()
            reply = lane.ask(protocol.FRAME, work.version, work.jpeg)
            reply.add_done_callback(partial(self._settle, work))

    def _settle(self, work: Work, reply: asyncio.Future[bytes]) -> None:
        self._admitted[work.version] -= 1
        if not self._admitted[work.version]:
            del self._admitted[work.version]
            self._crew.drop()
        error = reply.exception()
        if error is None:
            steered = Steered(*protocol.STEERED.unpack(reply.result()))
            self._measure(work, steered)
            if not work.answer.done():  # else whoever waited for it is gone
                work.answer.set_result(steered.steering)
        elif not work.answer.done():
            work.answer.set_exception(error)
        self._share_out()

    def _measure(self, work: Work, steered: Steered) -> None:
        self._frame_s += SMOOTHING * (steered.ended_s - steered.began_s - self._frame_s)
        self._metrics.queue_seconds.observe(steered.began_s - work.queued_s)
        self._metrics.decode_seconds.observe(steered.decoded_s - steered.began_s)
        self._metrics.resize_seconds.observe(steered.resized_s - steered.decoded_s)
        self._metrics.infer_seconds.observe(steered.ended_s - steered.resized_s)
