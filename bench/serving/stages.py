"""Measures where the time of an answer goes, stage by stage.

python -m bench.serving.stages MODELS

The same pictures are answered in four ways, each of which adds a stage to the one before: in a loop
of this process; by a worker process, over a pair of sockets that this process reads and writes; by
a worker that the scheduler of inference asks, in an event loop; and by the service, over HTTP. The
ways take turns. A stage is the difference of two ways. Of each way the fastest tenth counts (p10):
what else the machine does would be larger than most stages.
"""

from __future__ import annotations

import asyncio
import os
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import cv2
import uvloop

from bench import output, recordings
from bench.serving.services import PORT, load, ready
from contract.frames import preprocess
from contract.models.registry import Registry
from contract.policy import policy
from inference.metrics import InferenceMetrics
from inference.settings import AUTO
from inference.workers import protocol
from inference.workers.networks import LOADERS
from inference.workers.scheduler import Scheduler

TURNS: Final = 5
FRAMES: Final = 400
"""Number of frames that each way answers in a turn."""
SECONDS: Final = 1.0
"""Time in seconds for which the service is asked in a turn."""

Times = dict[str, list[float]]
"""The p10 of each turn in milliseconds, by what was measured."""


def loop(models: Path, version: int, jpegs: list[bytes]) -> Callable[[], dict[str, float]]:
    """Return what decodes, resizes and computes in this process; each of its steps is a stage."""
    loaded = policy.load(Registry(models), version, LOADERS[AUTO])

    def turn() -> dict[str, float]:
        taken: dict[str, list[float]] = {"decode": [], "resize": [], "compute": []}
        for number in range(FRAMES):
            began = time.perf_counter()
            picture = preprocess.decode(jpegs[number % len(jpegs)])
            decoded = time.perf_counter()
            frame = loaded.prepare(picture)
            resized = time.perf_counter()
            loaded.answer(frame)
            ended = time.perf_counter()
            for name, seconds in zip(
                taken, (decoded - began, resized - decoded, ended - resized), strict=True
            ):
                taken[name].append(seconds * 1000)
        return {name: _p10(values) for name, values in taken.items()}

    return turn


@contextmanager
def worker(models: Path, version: int, jpegs: list[bytes]) -> Iterator[Callable[[], float]]:
    """Start a worker process; yields what sends it frames and waits for each reply."""
    own_end, worker_end = socket.socketpair()
    words = ["-m", "inference.workers.worker", str(worker_end.fileno()), str(models), AUTO]
    with (
        own_end,
        subprocess.Popen(
            [sys.executable, *words],
            pass_fds=[worker_end.fileno()],
            stdin=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        ),
    ):
        worker_end.close()

        def ask(command: int, payload: bytes = b"") -> None:
            own_end.sendall(protocol.encode_request(command, version, payload))
            assert own_end.recv(65_536)[0] == protocol.DONE, "the worker failed"

        def turn() -> float:
            return _p10([_taken_ms(ask, protocol.PREDICT, jpeg) for jpeg in _pictures(jpegs)])

        ask(protocol.LOAD)
        yield turn
        own_end.close()


async def schedule(models: Path, version: int, jpegs: list[bytes]) -> float:
    """Ask the scheduler with one worker for one frame after the other; return the p10."""
    async with Scheduler(1, 1.0, models, InferenceMetrics(), backend=AUTO) as scheduler:
        await scheduler.pool.load(version)
        scheduler.pool.set_current(version)
        taken_ms = []
        for jpeg in _pictures(jpegs):
            began = time.perf_counter()
            await scheduler.predict(version, [jpeg])
            taken_ms.append((time.perf_counter() - began) * 1000)
    return _p10(taken_ms)


def measure(models: Path, recording: Path) -> list[output.Row]:
    """Measure the four ways in turn; return the stages."""
    version = Registry(models).current()
    assert version is not None, f"{models} has no current version"
    jpegs = [path.read_bytes() for path in sorted((recording / "IMG").glob("center*.jpg"))[:200]]
    times: Times = {}
    environ = {
        "LAPWING_MODEL_DIR": str(models),
        "LAPWING_INFERENCE_PORT": str(PORT),
        "LAPWING_INFERENCE_WORKERS": "1",
    }
    in_this_process = loop(models, version, jpegs)
    with (
        worker(models, version, jpegs) as ask,
        ready("inference", recording=recording, environ=environ),
        asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
    ):
        for _ in range(TURNS):
            steps = in_this_process()
            for name, value in steps.items():
                times.setdefault(name, []).append(value)
            ways = {
                "to a worker process and back": ask(),
                "queue and event loop": runner.run(schedule(models, version, jpegs)),
                "HTTP": load(recording, 1, SECONDS)["p10_ms"],
            }
            before = sum(steps.values())
            for name, value in ways.items():
                times.setdefault(name, []).append(value - before)
                before = value
            times.setdefault("an answer of /predict", []).append(before)
    whole = statistics.median(times["an answer of /predict"])
    rows: list[output.Row] = []
    for name, values in times.items():
        median = statistics.median(values)
        rows.append(
            {
                "stage": name,
                "ms": median,
                "from ms": min(values),
                "to ms": max(values),
                "share %": 100 * median / whole,
            }
        )
    return rows


def _pictures(jpegs: list[bytes]) -> Iterator[bytes]:
    return (jpegs[number % len(jpegs)] for number in range(FRAMES))


def _taken_ms(ask: Callable[[int, bytes], None], command: int, jpeg: bytes) -> float:
    began = time.perf_counter()
    ask(command, jpeg)
    return (time.perf_counter() - began) * 1000


def _p10(taken_ms: list[float]) -> float:
    return sorted(taken_ms)[len(taken_ms) // 10]


def main() -> int:
    """Measure, and show the stages."""
    parser = output.arguments(__doc__)
    parser.add_argument("models", type=Path, help="the model volume")
    options = parser.parse_args()
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    cv2.setNumThreads(1)
    recording = recordings.chosen()
    rows = measure(options.models.resolve(), recording)
    command = "python -m bench.serving.stages MODELS"
    title = "Where the time of an answer goes"
    output.finish(output.Result("stages", title, command, recording.name, rows), options)
    return 0


if __name__ == "__main__":
    sys.exit(main())
