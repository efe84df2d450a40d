"""Gives a worker jobs that name foreign functions; each module would leave a file if imported."""

import logging
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from redis import Redis
from rq import Callback, Queue
from rq.job import Job
from rq.registry import StartedJobRegistry
from rq.serializers import JSONSerializer, PickleSerializer
from rq.webhook import Webhook

from contract.errors import JobError
from contract.jobs import queue
from contract.jobs.lapwing_job import LapwingJob

INGEST = queue.JOB_TYPES[queue.INGEST].function
CLEAN_UP = queue.JOB_TYPES[queue.TRAIN].on_stopped


@pytest.fixture
def trap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the path of a file that exists once the module `trap` was imported."""
    path = tmp_path / "imported"
    (tmp_path / "trap.py").write_text(f"open({str(path)!r}, 'w').close()\ndef run(*_): pass\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    return path


def fetch(redis: Redis, job: Job) -> LapwingJob:
    return LapwingJob.fetch(job.id, connection=redis, serializer=JSONSerializer)


def enqueue(redis: Redis, function: str, **how: object) -> Job:
    rq_queue = Queue(queue.INGEST, connection=redis, serializer=JSONSerializer)
    return rq_queue.enqueue_call(function, **how)


@pytest.mark.parametrize(
    ("function", "how", "named"),
    [
        ("trap.run", {}, "trap.run"),
        (INGEST, {"on_success": Callback("trap.run")}, "trap.run as on_success"),
        (INGEST, {"on_failure": Callback("trap.run")}, "trap.run as on_failure"),
        (INGEST, {"on_stopped": Callback("trap.run")}, "trap.run as on_stopped"),
        (INGEST, {"on_stopped": Callback(CLEAN_UP)}, f"{CLEAN_UP} as on_stopped"),
        (INGEST, {"on_failure": Callback(INGEST)}, f"{INGEST} as on_failure"),
        (
            INGEST,
            {"webhooks": [Webhook("http://127.0.0.1:1/x", "failed")]},
            "http://127.0.0.1:1/x as webhook",
        ),
    ],
)
def test_a_job_that_names_what_is_not_ours_is_refused_and_nothing_imported(
    redis: Redis,
    trap: Path,
    caplog: pytest.LogCaptureFixture,
    function: str,
    how: dict[str, object],
    named: str,
) -> None:
    job = fetch(redis, enqueue(redis, function, **how))
    with caplog.at_level(logging.ERROR), pytest.raises(JobError) as caught:
        job.perform()
    assert f"names a function that Lapwing does not queue: got {named}" in str(caught.value)
    assert f"it names {named}" in caplog.text
    assert job.retries_left == 0
    assert (job.success_callback, job.failure_callback, job.stopped_callback) == (None,) * 3
    assert job.webhooks == []
    assert not trap.exists()


def test_rq_itself_would_import_it(redis: Redis, trap: Path) -> None:
    job = enqueue(redis, INGEST, on_failure=Callback("trap.run"))
    assert Job.fetch(job.id, redis, JSONSerializer).failure_callback is not None
    assert trap.exists()
    del sys.modules["trap"]


def test_a_pickled_call_is_refused_unread(redis: Redis) -> None:
    job = Queue(queue.INGEST, connection=redis, serializer=PickleSerializer).enqueue_call(INGEST)
    assert fetch(redis, job).refused == "a call that is no JSON"


def test_the_cleaning_up_after_killed_jobs_imports_nothing(redis: Redis, trap: Path) -> None:
    """A worker does it for the jobs of workers that have died, and calls their on_failure."""
    job = enqueue(redis, INGEST, on_failure=Callback("trap.run"))
    redis.hset(job.key, "status", "started")
    redis.zadd(StartedJobRegistry(queue.INGEST, redis).key, {f"{job.id}:run": 1})
    mine = Queue(queue.INGEST, redis, job_class=LapwingJob, serializer=JSONSerializer)
    mine.started_job_registry.cleanup()
    assert Job.fetch(job.id, redis, JSONSerializer).get_status() == "failed"
    assert not trap.exists()


def test_our_own_jobs_keep_their_callback(redis: Redis) -> None:
    for job_type in queue.JOB_TYPES:
        job_id = queue.enqueue(job_type, redis, "x", {})
        job = LapwingJob.fetch(job_id, connection=redis, serializer=JSONSerializer)
        assert job.refused == ""
        assert (job._stopped_callback_name or "") == queue.JOB_TYPES[job_type].on_stopped


@pytest.mark.parametrize(
    ("error", "tries", "told"),
    [
        (MemoryError("no 3 GiB"), 2, "most likely for its memory (limit 64 MiB): got no 3 GiB"),
        (ZeroDivisionError("a fault of ours"), 2, "a fault of ours"),
        (OSError(5, "Input/output error"), 11, "Input/output error"),
        (OSError(28, "No space left on device"), 1, "the disk is full"),
        (JobError("it is refused"), 1, "it is refused"),
    ],
)
def test_how_often_a_job_that_raises_is_run(
    redis: Redis,
    monkeypatch: pytest.MonkeyPatch,
    error: Exception,
    tries: int,
    told: str,
) -> None:
    monkeypatch.setenv("LAPWING_INGEST_MEMORY", "64m")
    job = fetch(
        redis, Job.fetch(queue.enqueue(queue.INGEST, redis, "x", {}), redis, JSONSerializer)
    )
    monkeypatch.setattr(LapwingJob, "_execute", raiser(error))
    runs = 0
    while True:
        runs += 1
        with pytest.raises(type(error) if runs < tries else Exception) as caught:
            job.perform()
        if not job.should_retry:
            break
        job.retries_left -= 1  # as RQ's own Job.retry does
    assert runs == tries
    assert told in str(caught.value)


def raiser(error: Exception) -> Callable[[LapwingJob], object]:
    def execute(job: LapwingJob) -> object:
        raise error

    return execute
