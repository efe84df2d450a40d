"""The queue of frames, bounded by time, and their distribution to the workers.

A frame is refused at once when the frames before it would take longer than it may wait: a late
steering is of no use, and a refusal costs a tenth of an answer. A worker takes one frame at a time:
of eight frames that are computed together the first waits for the last, and with LiteRT they take
as long as one by one.

The frames of a form wait apart, and a few of them are with the workers at a time. A single frame,
which a car waits for, so never waits for the up to 64 frames of each of several forms.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter, deque
from functools import partial
from pathlib import Path
from typing import Final, NamedTuple, Self

from contract.errors import FrameError, ServiceError
from contract.policy.answer import PolicyAnswer
from inference.metrics import InferenceMetrics
from inference.settings import LITERT
from inference.workers import protocol
from inference.workers.pool import HANG_TIMEOUT_S, WorkerPool, no_worker
from inference.workers.worker_client import WorkerClient

INITIAL_FRAME_S: Final = 0.001
"""Assumed time of a frame in seconds, until some were measured."""
FORM_FRAMES: Final = 4
"""Number of frames of forms that a worker may have at a time: it computes as long as the event loop
needs to take a form apart, which is 3 ms."""
NEWEST_WEIGHT: Final = 0.05
"""Weight of the newest frame in the running mean of the time that a frame takes."""
ANSWER_S: Final = 30.0
"""Time in seconds after which a request is refused whose frames have no answer yet, whatever the
reason. Only the estimate of admit() is for clients in a hurry, and it may be wrong."""


class BusyError(ServiceError):
    """A frame would wait for too long."""


class FrameTimeoutError(ServiceError):
    """A frame has waited for too long."""


class QueuedFrame(NamedTuple):
    """A frame that waits for a worker, and the future that gets its answer."""

    version: int
    jpeg: bytes
    answer: asyncio.Future[PolicyAnswer]
    queued_s: float
    is_of_form: bool


class Scheduler:
    """Predicts frames with the workers of its pool; use it in `async with`.

    All of its code runs in the event loop.

    Args:
        workers: number of worker processes.
        max_wait_s: longest time in seconds that a frame may wait for a worker.
        models: folder of the model registry.
        metrics: receives the times of each stage.
        hang_timeout_s: time in seconds after which a worker that owes a reply is killed.
        answer_s: time in seconds after which a request is refused that has no answer yet.
        backend: how networks are loaded, one of settings.BACKENDS.

    Attributes:
        pool: the workers, which load, check and drop model versions.
    """

    def __init__(
        self,
        workers: int,
        max_wait_s: float,
        models: Path,
        metrics: InferenceMetrics,
        hang_timeout_s: float = HANG_TIMEOUT_S,
        answer_s: float = ANSWER_S,
        backend: str = LITERT,
    ) -> None:
        self._max_wait_s = max_wait_s
        self._answer_s = answer_s
        self._metrics = metrics
        self._queue: deque[QueuedFrame] = deque()
        self._form_queue: deque[QueuedFrame] = deque()
        self._form_frames = 0
        """Number of frames of forms that the workers have."""
        self._frame_s = INITIAL_FRAME_S
        self._admitted: Counter[int] = Counter()
        """Number of frames that are queued or in flight, by version."""
        self.pool = WorkerPool(
            workers,
            models,
            self._dispatch,
            self._admitted.__contains__,
            hang_timeout_s,
            backend,
        )

    async def __aenter__(self) -> Self:
        self._loop = asyncio.get_running_loop()
        await self.pool.start()
        self._metrics.workers.set_function(lambda: self.pool.available)
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.pool.stop()

    def admit(self, is_form: bool = False) -> None:
        """Check that one more frame, or the first one of a form, would not wait for too long.

        Raises:
            BusyError: it would.
            NoWorkerError: no worker process can take it.
        """
        serving = self.pool.serving
        if not serving:
            raise no_worker()
        ahead = self._admitted.total()
        if not is_form:
            ahead -= len(self._form_queue)
        wait_s = (ahead + 1 - serving) * self._frame_s / serving
        if wait_s > self._max_wait_s:
            raise BusyError(
                "too many frames are waiting",
                got=f"{ahead} frames, about {wait_s * 1000:.0f} ms of work",
                remedy=f"Send the frame later, or raise LAPWING_INFERENCE_QUEUE_MS: "
                f"a frame may wait for {self._max_wait_s * 1000:.0f} ms",
            )

    async def predict(self, version: int, jpegs: list[bytes]) -> list[PolicyAnswer]:
        """Return the answer to each frame, in order.

        Raises:
            BusyError: the frames would wait for too long.
            FrameError: one of the frames cannot be decoded; among several, its number is named.
            FrameTimeoutError: there was no answer in time.
            ModelError: the network predicted no finite number.
            NoWorkerError: no worker process is left that could take them.
            WorkerDiedError: the process that computed a frame ended.
        """
        # A request with several frames is admitted as a whole whenever one frame is.
        is_form = len(jpegs) > 1
        self.admit(is_form)
        self._metrics.frames_per_request.observe(len(jpegs))
        answers = [self._enqueue(version, jpeg, is_form) for jpeg in jpegs]
        self._dispatch()
        deadline = self._loop.call_later(self._answer_s, self._expire, answers)
        try:
            if len(answers) == 1:
                return [await answers[0]]
            await asyncio.wait(answers)
        finally:
            deadline.cancel()
        for number, answer in enumerate(answers, 1):
            error = answer.exception()
            if isinstance(error, FrameError):
                got = "" if error.got is None else f" ({error.got})"
                raise type(error)(error.what, got=f"picture {number}{got}", remedy=error.remedy)
        return [answer.result() for answer in answers]

    def _enqueue(self, version: int, jpeg: bytes, is_of_form: bool) -> asyncio.Future[PolicyAnswer]:
        answer: asyncio.Future[PolicyAnswer] = self._loop.create_future()
        self._admitted[version] += 1
        frame = QueuedFrame(version, jpeg, answer, time.perf_counter(), is_of_form)
        (self._form_queue if is_of_form else self._queue).append(frame)
        return answer

    def _expire(self, answers: list[asyncio.Future[PolicyAnswer]]) -> None:
        """Refuse the frames of a request that have no answer yet; those that wait are dropped."""
        for answer in answers:
            if not answer.done():
                error = FrameTimeoutError(
                    "no worker has answered in time",
                    got=f"{self._answer_s:g} s",
                    remedy="Send the frame again; the log of inference may say what keeps the "
                    "workers",
                )
                answer.set_exception(error)

    def _dispatch(self) -> None:
        """Send the frames that wait to the workers that have the fewest."""
        if not self._queue and not self._form_queue:
            return
        if not self.pool.serving:
            self._refuse_all()
        while self._queue and (worker := self.pool.least_busy()) is not None:
            self._send(worker, self._queue.popleft())
        while (
            self._form_queue
            and self._form_frames < FORM_FRAMES * len(self.pool)
            and (worker := self.pool.least_busy()) is not None
        ):
            self._send(worker, self._form_queue.popleft())

    def _refuse_all(self) -> None:
        """Refuse the frames that wait, because no worker is left to take them."""
        waiting = (*self._queue, *self._form_queue)
        self._queue.clear()
        self._form_queue.clear()
        for frame in waiting:
            self._forget(frame)
            if not frame.answer.done():
                frame.answer.set_exception(no_worker())

    def _forget(self, frame: QueuedFrame) -> None:
        """Count a frame no more: it is neither queued nor in flight."""
        self._admitted[frame.version] -= 1
        if not self._admitted[frame.version]:
            del self._admitted[frame.version]
            self.pool.drop_unused()

    def _send(self, worker: WorkerClient, frame: QueuedFrame) -> None:
        if frame.answer.done():  # nobody waits for it any more
            self._forget(frame)
            return
        self._form_frames += frame.is_of_form
        worker.send(protocol.PREDICT, frame.version, frame.jpeg, partial(self._complete, frame))

    def _complete(self, frame: QueuedFrame, payload: bytes, error: Exception | None) -> None:
        self._form_frames -= frame.is_of_form
        self._forget(frame)
        if error is None:
            prediction = protocol.decode_prediction(payload)
            if not frame.answer.done():  # it is done where the client has disconnected
                frame.answer.set_result(prediction.answer)
            self._measure(frame, prediction)
        elif not frame.answer.done():
            frame.answer.set_exception(error)
        self._dispatch()

    def _measure(self, frame: QueuedFrame, prediction: protocol.TimedPrediction) -> None:
        frame_s = prediction.ended_s - prediction.began_s
        self._frame_s += NEWEST_WEIGHT * (frame_s - self._frame_s)
        self._metrics.queue_seconds.observe(prediction.began_s - frame.queued_s)
        self._metrics.decode_seconds.observe(prediction.decoded_s - prediction.began_s)
        self._metrics.resize_seconds.observe(prediction.resized_s - prediction.decoded_s)
        self._metrics.infer_seconds.observe(prediction.ended_s - prediction.resized_s)
