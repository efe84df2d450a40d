"""Simulated laps for a training, with a real Redis. The tests play the workers."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from redis import Redis
from rq.job import Job
from rq.serializers import JSONSerializer
from support.data.manifests import write_manifest
from support.services.workers import Workers

from contract.errors import JobError, RecordingError
from contract.frames import spec
from contract.jobs import queue
from contract.printing import TextConsole
from lapwing.datasets import simulated_laps


@pytest.fixture(autouse=True)
def watchdog(redis: Redis) -> Iterator[None]:
    """Let a command that waits for a lap that nobody records end with an error, and not never."""

    def end_all() -> None:
        for view in queue.views(redis):
            if view.status not in queue.ENDED:
                job = Job.fetch(view.id, redis, serializer=JSONSerializer)
                Workers(redis).fail(job, "JobError: the test waits for it no longer.")

    timer = threading.Timer(60, end_all)
    timer.start()
    yield
    timer.cancel()


def import_lap(data: Path, number: int, digits: str = "0a1b2c3d", at: str = "2026-01-01") -> str:
    """Write the manifest of an imported lap, and return its dataset."""
    name = f"simulated-lap-{number}"
    write_manifest(data, f"{name}-{digits}", name, at, spec.SPEC)
    return f"{name}-{digits}"


def provide(data: Path, count: int, redis: Redis) -> list[str]:
    return simulated_laps.provide(data, count, redis, TextConsole(quiet=True))


def answer(workers: Workers, data: Path, numbers: list[int], failed: int = 0) -> threading.Thread:
    """Record and import laps in the background; the import of one of them may fail."""

    def work() -> None:
        for number in numbers:
            job = workers.begin(queue.RECORD)
            assert job.kwargs == {"number": number}
            name = f"simulated-lap-{number}"
            ingest = queue.enqueue(queue.INGEST, workers.redis, name, {"source": name})
            workers.finish(job, {"recorded": {"number": number, "rows": 5}, "ingest": ingest})
            result: dict[str, Any] = {"imports": []}
            if number == failed:
                result["failed"] = [{"recording": name, "error": "RecordingError: it is empty"}]
            else:
                result["imports"] = [{"dataset": import_lap(data, number), "rows": 5}]
            workers.answer(queue.INGEST, result)

    thread = threading.Thread(target=work)
    thread.start()
    return thread


def states(redis: Redis, job_type: str) -> list[str]:
    """Return the states of all jobs of a type, in the order of their ids' labels."""
    jobs = [view for view in queue.views(redis) if view.id.startswith(f"{job_type}-")]
    return [view.status for view in sorted(jobs, key=lambda view: view.id.rpartition("-")[0])]


def test_laps_are_recorded_and_imported(tmp_path: Path, redis: Redis) -> None:
    workers = Workers(redis)
    workers.appear()
    thread = answer(workers, tmp_path, [1, 2])
    expected = ["simulated-lap-1-0a1b2c3d", "simulated-lap-2-0a1b2c3d"]
    assert provide(tmp_path, 2, redis) == expected
    thread.join()
    assert states(redis, queue.RECORD) == ["finished"] * 2


def test_only_laps_that_are_missing_are_recorded(tmp_path: Path, redis: Redis) -> None:
    """The dataset of lap 12 is none of lap 1, and of two imports of a lap the newest counts."""
    for number in (1, 12):
        import_lap(tmp_path, number)
    newest = import_lap(tmp_path, 3, "99999999", "2026-02-02")
    import_lap(tmp_path, 3, "11111111", "2026-01-01")
    workers = Workers(redis)
    workers.appear()
    thread = answer(workers, tmp_path, [2])
    found = provide(tmp_path, 3, redis)
    thread.join()
    assert found == ["simulated-lap-1-0a1b2c3d", "simulated-lap-2-0a1b2c3d", newest]


def test_laps_that_are_there_are_not_recorded_again(tmp_path: Path, redis: Redis) -> None:
    lap = import_lap(tmp_path, 1)
    assert provide(tmp_path, 1, redis) == [lap]


def test_without_a_worker_nothing_is_queued(tmp_path: Path, redis: Redis) -> None:
    with pytest.raises(JobError, match="no evaluator is running"):
        provide(tmp_path, 2, redis)
    assert queue.views(redis) == []


def test_a_lap_that_is_not_imported_ends_it_and_cancels_the_others(
    tmp_path: Path, redis: Redis
) -> None:
    workers = Workers(redis)
    workers.appear()
    thread = answer(workers, tmp_path, [1, 2], failed=2)
    with pytest.raises(RecordingError, match=r"simulated-lap-2 was not imported: .*it is empty"):
        provide(tmp_path, 4, redis)
    thread.join()
    assert states(redis, queue.RECORD) == ["finished", "finished", "canceled", "canceled"]


def test_ctrl_c_cancels_the_laps_that_are_not_recorded(
    tmp_path: Path, redis: Redis, redis_socket: Path
) -> None:
    """Those that were recorded stay, and the next training takes them."""
    write_manifest(tmp_path / "data", "lake-11111111", frame_spec=spec.SPEC)
    workers = Workers(redis)
    workers.appear()
    environ = {
        **os.environ,
        "LAPWING_HOME": str(tmp_path),
        "LAPWING_REDIS_URL": f"unix://{redis_socket}",
    }
    words = ["train", "lake", "--with-simulator", "--simulator-laps", "3", "--wait"]
    process = subprocess.Popen(
        [sys.executable, "-m", "lapwing", *words],
        env=environ,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    await_that(lambda: len(states(redis, queue.RECORD)) == 3)
    answer(workers, tmp_path / "data", [1]).join()
    time.sleep(1)  # until the command waits for the second
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=60)
    assert process.returncode != 0, output
    assert "Traceback" not in output
    assert states(redis, queue.RECORD) == ["finished", "canceled", "canceled"]
    assert states(redis, queue.TRAIN) == []
    assert simulated_laps.find(tmp_path / "data") == ["simulated-lap-1-0a1b2c3d"]


def await_that(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)
