"""The threads that decode and compute, and the queue before them, bounded by time.

A frame is refused at once when those before it would take longer than it may wait: late steering is
no use to anybody, and refusing costs a hundredth of answering. A thread takes one frame at a time:
LiteRT computes eight together no faster than one by one, and the first would wait for the last.
"""

from __future__ import annotations

import asyncio
import queue
import threading
import time
from dataclasses import dataclass
from typing import Final

from contract import frame
from contract.errors import FrameError, ServiceError
from inference.metrics import Metrics
from inference.pilot import Pilot

FIRST_GUESS_S: Final = 0.001
"""What a frame takes, until some were measured."""
SMOOTHING: Final = 0.05
"""Weight of the newest frame in the running mean of what one takes."""


class BusyError(ServiceError):
    """A frame would wait for too long."""


@dataclass(frozen=True)
class Work:
    """One frame, who computes it, and who waits for the answer."""

    pilot: Pilot
    jpeg: bytes
    answer: asyncio.Future[float]
    queued_s: float


class Engine:
    """Computes frames in threads of its own; use it in `with`, within a running event loop.

    Args:
        lanes: how many threads.
        longest_wait_s: for how long a frame may wait.
        metrics: are told what each stage took.
    """

    def __init__(self, lanes: int, longest_wait_s: float, metrics: Metrics) -> None:
        self.lanes = lanes
        self._longest_wait_s = longest_wait_s
        self._metrics = metrics
        self._queue: queue.SimpleQueue[Work | None] = queue.SimpleQueue()
        self._frame_s = FIRST_GUESS_S
        # Counted by the event loop alone, so that no lock is needed.
        self._admitted = 0
        self._threads: list[threading.Thread] = []

    def __enter__(self) -> Engine:
        self._loop = asyncio.get_running_loop()
        self._threads = [
            threading.Thread(target=self._work, args=(lane,), name=f"lane-{lane}", daemon=True)
            for lane in range(self.lanes)
        ]
        for each in self._threads:
            each.start()
        return self

    def __exit__(self, *error: object) -> None:
        for _lane in self._threads:
            self._queue.put(None)
        for thread in self._threads:
            thread.join()

    def admit(self, frames: int) -> None:
        """See that as many more frames would have their turn in time.

        Raises:
            BusyError: they would not.
        """
        ahead = self._admitted + frames - self.lanes
        wait_s = ahead * self._frame_s / self.lanes
        if wait_s > self._longest_wait_s:
            raise BusyError(
                "too many frames are waiting",
                got=f"{self._admitted} frames, about {wait_s * 1000:.0f} ms of work",
                remedy=f"Ask again later, or raise LAPWING_INFERENCE_QUEUE_MS: "
                f"{self._longest_wait_s * 1000:.0f} ms may be waited for",
            )

    async def steer(self, pilot: Pilot, jpegs: list[bytes]) -> list[float]:
        """Return the steering of each picture, in order.

        Raises:
            BusyError: they would wait for too long.
            FrameError: one of them is no frame; of several, its number is named.
            ModelError: the network's answer is no number.
        """
        # A request of several comes in whole whenever one comes in at all.
        self.admit(1)
        self._metrics.pictures.observe(len(jpegs))
        answers = [self._put(pilot, jpeg) for jpeg in jpegs]
        if len(answers) == 1:
            return [await answers[0]]
        await asyncio.wait(answers)
        for number, answer in enumerate(answers, 1):
            error = answer.exception()
            if isinstance(error, FrameError):
                got = "" if error.got is None else f" ({error.got})"
                raise type(error)(error.what, got=f"picture {number}{got}", remedy=error.remedy)
        return [answer.result() for answer in answers]

    def _put(self, pilot: Pilot, jpeg: bytes) -> asyncio.Future[float]:
        answer: asyncio.Future[float] = self._loop.create_future()
        self._admitted += 1
        self._queue.put(Work(pilot, jpeg, answer, time.perf_counter()))
        return answer

    def _work(self, lane: int) -> None:
        metrics = self._metrics
        while (work := self._queue.get()) is not None:
            began = time.perf_counter()
            metrics.queue_seconds.observe(began - work.queued_s)
            steering, failure = 0.0, None
            try:
                pixels = frame.decode(work.jpeg)
                decoded = time.perf_counter()
                seen = frame.resize(pixels)
                resized = time.perf_counter()
                steering = work.pilot.steer(seen, lane)
                ended = time.perf_counter()
                metrics.decode_seconds.observe(decoded - began)
                metrics.resize_seconds.observe(resized - decoded)
                metrics.infer_seconds.observe(ended - resized)
                self._frame_s += SMOOTHING * (ended - began - self._frame_s)
            except Exception as error:  # noqa: BLE001 - raised again where it is awaited
                failure = error
            self._loop.call_soon_threadsafe(self._settle, work.answer, steering, failure)

    def _settle(
        self, answer: asyncio.Future[float], steering: float, failure: Exception | None
    ) -> None:
        self._admitted -= 1
        if answer.done():  # whoever waited for it is gone
            return
        if failure is None:
            answer.set_result(steering)
        else:
            answer.set_exception(failure)
