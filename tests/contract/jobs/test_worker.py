"""Runs a real worker in another process; its jobs name functions that it must or must not run."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from redis import Redis
from rq import Queue, Retry
from rq.job import Job
from rq.serializers import JSONSerializer
from support.data import samples

from contract.jobs import queue, worker


@pytest.fixture
def working(redis: Redis, redis_socket: Path, tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run the worker of the queue INGEST."""
    environ = {
        **os.environ,
        "LAPWING_REDIS_URL": f"unix://{redis_socket}",
        "LAPWING_DATA_DIR": str(tmp_path),
    }
    process = subprocess.Popen([sys.executable, "-m", "ingest"], env=environ)
    await_true(lambda: worker.is_alive(queue.INGEST, redis))
    yield process
    process.terminate()
    assert process.wait(10) == 0


def await_true(condition: Callable[[], bool], timeout_s: float = 20.0) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, "it did not come true in time"
        time.sleep(0.05)


def await_end(job: str, redis: Redis) -> queue.JobView:
    await_true(lambda: queue.view(job, redis).status in queue.ENDED)
    return queue.view(job, redis)


def test_a_queue_without_workers_has_none_alive(redis: Redis) -> None:
    assert not worker.is_alive(queue.INGEST, redis)
    assert not worker.is_listening(queue.INGEST, redis)


@pytest.mark.usefixtures("working")
def test_a_worker_listens_only_to_its_own_queue(redis: Redis) -> None:
    assert worker.is_listening(queue.INGEST, redis)
    assert not worker.is_listening(queue.TRAIN, redis)


@pytest.mark.usefixtures("working")
def test_a_job_that_fails_says_why_and_is_not_retried(redis: Redis, tmp_path: Path) -> None:
    job = queue.enqueue(queue.INGEST, redis, "x", {"source": str(tmp_path / "nothing")})
    view = await_end(job, redis)
    assert view.status == "failed"
    assert "there is no such recording" in view.error
    assert len(Job.fetch(job, redis, serializer=JSONSerializer).results()) == 1


@pytest.mark.usefixtures("working")
def test_no_other_function_is_run_whatever_redis_says(redis: Redis, tmp_path: Path) -> None:
    rq_queue = Queue(queue.INGEST, connection=redis, serializer=JSONSerializer)
    job = rq_queue.enqueue_call("os.system", args=[f"touch {tmp_path / 'owned'}"])
    view = await_end(job.id, redis)
    assert view.status == "failed"
    assert "names a function that Lapwing does not queue: got os.system" in view.error
    assert not (tmp_path / "owned").exists()


@pytest.mark.usefixtures("working")
def test_a_second_try_finds_what_the_first_one_found(redis: Redis, tmp_path: Path) -> None:
    """The copy of the recording is kept until the last try, which tells the true reason."""
    copy = samples.recording(tmp_path / "inbox" / "a1" / "run", rows=2)
    rq_queue = Queue(queue.INGEST, connection=redis, serializer=JSONSerializer)
    arguments = {"source": str(copy), "staged": True, "max_reject_share": "a half"}
    job = rq_queue.enqueue_call("ingest.job.run", kwargs=arguments, retry=Retry(max=1))
    await_true(lambda: job.get_status() == "failed")
    job.refresh()
    assert job.retries_left == 0  # it was tried twice
    assert "TypeError: '>' not supported" in str(job.results()[-1].exc_string)
    await_true(lambda: not copy.parent.exists())


@pytest.mark.usefixtures("working")
def test_a_recording_that_is_wrong_is_tried_once_and_its_copy_removed(
    redis: Redis, tmp_path: Path
) -> None:
    copy = tmp_path / "inbox" / "a1" / "run.zip"
    copy.parent.mkdir(parents=True)
    copy.write_bytes(b"PK\3\4 and no more")
    job = queue.enqueue(queue.INGEST, redis, "x", {"source": str(copy), "staged": True})
    assert "the archive run.zip cannot be unpacked" in await_end(job, redis).error
    assert len(Job.fetch(job, redis, serializer=JSONSerializer).results()) == 1
    assert not copy.parent.exists()
