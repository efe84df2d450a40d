"""Lets real workers stand still for longer than Redis keeps what they wrote there.

They have short times. `make soak` does the same with the real ones.
"""

import hashlib
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path

import pytest
from redis import Redis
from rq import Queue
from rq.serializers import JSONSerializer
from support.data import samples
from support.services import running
from support.services.hasty_workers import (
    LEASES,
    TICKETS,
    TIMES,
    HastyWorker,
    await_running,
    fetch,
    hasty_worker,
    status,
)
from support.waiting import await_true

from contract.files import locks
from contract.jobs import queue, worker
from contract.jobs.claim import RunClaim
from contract.jobs.lapwing_job import LapwingJob
from contract.jobs.lapwing_worker import LapwingWorker
from contract.jobs.worker_times import WorkerTimes

Start = Callable[..., HastyWorker]


@pytest.fixture
def start(redis: Redis, redis_socket: Path, tmp_path: Path) -> Iterator[Start]:
    """Return a function that starts a worker, with these times."""
    with ExitStack() as workers:
        yield lambda times=TIMES: workers.enter_context(
            hasty_worker(redis, redis_socket, tmp_path, times)
        )


@pytest.fixture
def lake(tmp_path: Path) -> str:
    """Return a recording."""
    samples.recording(tmp_path / "lake", rows=20)
    return str(tmp_path / "lake")


def held(lake: str) -> AbstractContextManager[object]:
    """Let the import of a recording wait, as if another one made it."""

    @contextmanager
    def hold() -> Iterator[None]:
        log = (Path(lake) / "driving_log.csv").read_bytes()
        digest = hashlib.sha256(log).hexdigest()
        with locks.lock(Path(lake).parent / "stores" / f".{digest[:16]}.lock"):
            yield

    return hold()


def await_rounds(each: HastyWorker, redis: Redis, rounds: int = 2) -> None:
    """Wait until a worker has looked for the jobs of lost workers a few times."""
    for _ in range(rounds):
        before = redis.hget(f"rq:worker:{each.name}", "last_heartbeat")
        await_true(
            lambda: redis.hget(f"rq:worker:{each.name}", "last_heartbeat") != before  # noqa: B023
        )


def assert_done_once(job: str, redis: Redis) -> None:
    """Check that a job is finished, that it was run once, and that nothing of it is left over."""
    assert status(job, redis) == "finished", queue.view(job, redis)
    assert len(fetch(job, redis).results()) == 1
    assert redis.lrange(TICKETS, 0, -1) == []
    assert redis.zrange(LEASES, 0, -1) == []
    assert redis.lrange("rq:queue:ingest", 0, -1) == []


def test_a_worker_that_redis_has_forgotten_registers_anew_and_its_jobs_end_once(
    redis: Redis, start: Start, lake: str
) -> None:
    each = start()
    key = f"rq:worker:{each.name}"
    redis.delete(key)
    # Any worker or `--check` that looks now also strikes it off the lists.
    redis.delete("rq:workers", "rq:workers:ingest")
    job = queue.enqueue(queue.INGEST, redis, "x", {"source": lake})
    await_true(lambda: status(job, redis) in queue.ENDED)
    assert_done_once(job, redis)
    await_true(each.is_registered)
    assert redis.hget(key, "queues") == b"ingest"
    assert redis.sismember("rq:workers", key)
    assert 0 < redis.ttl(key) <= TIMES.lease_s


def test_a_job_goes_on_where_the_whole_machine_stood_still(
    redis: Redis, start: Start, lake: str
) -> None:
    """All signs of life have expired, and the other worker is awake a moment before the job's."""
    server = redis.info()["process_id"]
    times = WorkerTimes(heartbeat_s=1, lease_s=5, maintenance_s=1)
    with held(lake):
        busy = start(times)
        job = queue.enqueue(queue.INGEST, redis, "x", {"source": lake})
        process = await_running(job, redis)
        idle = start(times)
        await_rounds(idle, redis)
        idle.stop()
        busy.stop(process, server)
        time.sleep(times.lease_s + 1.5)
        os.kill(server, signal.SIGCONT)
        assert not worker.is_alive(queue.INGEST, redis)
        idle.go_on()
        assert worker.check(queue.INGEST, redis, patience_s=60)
        busy.go_on(process)
        await_true(lambda: idle.is_registered() and busy.is_registered())
        await_rounds(idle, redis)
        assert running.of_job(job) == [process]
        assert fetch(job, redis).worker_name == busy.name
        assert fetch(job, redis).retries_left == queue.JOB_TYPES[queue.INGEST].retries
    await_true(lambda: status(job, redis) in queue.ENDED)
    assert_done_once(job, redis)


def test_a_job_whose_worker_alone_stands_still_is_given_to_another_and_ends_once(
    redis: Redis, start: Start, lake: str
) -> None:
    with held(lake):
        frozen, other = start(), None
        job = queue.enqueue(queue.INGEST, redis, "x", {"source": lake})
        process = await_running(job, redis)
        frozen.stop(process)
        other = start()
        await_true(
            lambda: (status(job, redis), fetch(job, redis).worker_name) == ("started", other.name)
        )
        await_true(lambda: len(running.of_job(job)) == 2)
        frozen.go_on(process)
        await_true(lambda: process not in running.of_job(job))
        await_true(frozen.is_registered)
        assert status(job, redis) == "started"
    await_true(lambda: status(job, redis) in queue.ENDED)
    await_rounds(frozen, redis)
    assert_done_once(job, redis)
    assert fetch(job, redis).results()[0].worker_name == other.name


def test_a_job_that_failed_and_is_queued_again_can_be_cancelled(redis: Redis) -> None:
    job_id = queue.enqueue(queue.INGEST, redis, "x", {"source": "/a"})
    waiting = Queue(queue.INGEST, redis, job_class=LapwingJob, serializer=JSONSerializer)
    each = LapwingWorker(
        [waiting], connection=redis, serializer=JSONSerializer, job_class=LapwingJob
    )
    each.register_birth()
    dequeued = each.dequeue_job_and_maintain_ttl(1)
    assert dequeued is not None
    execution = each.prepare_execution(dequeued[0])
    # What follows happens in the process of the job.
    job = LapwingJob.fetch(job_id, redis, JSONSerializer)
    claim = RunClaim(job, waiting, execution)
    assert claim.begin(lambda pipeline: job.prepare_for_execution(each.name, pipeline))
    each.handle_job_failure(job, waiting, exc_string="OSError", execution=execution)
    assert status(job_id, redis) == "queued"
    assert queue.cancel(job_id, redis).status == "canceled"


def test_a_job_is_ended_after_its_time_limit(redis: Redis, start: Start, lake: str) -> None:
    with held(lake):
        rq_queue = queue.queue(queue.INGEST, redis)
        function = queue.JOB_TYPES[queue.INGEST].function
        job = rq_queue.enqueue_call(function, kwargs={"source": lake}, timeout=1)
        start()
        await_true(lambda: status(job.id, redis) in queue.ENDED)
        assert "the job did not end within its 1 s" in queue.view(job.id, redis).error
        await_true(lambda: running.of_job(job.id) == [])
        assert redis.lrange(TICKETS, 0, -1) == []


@pytest.mark.soak
def test_with_the_real_times_a_job_outlives_two_minutes_of_standstill(
    redis: Redis, redis_socket: Path, tmp_path: Path, lake: str
) -> None:
    """The worker beside it must not take the job, nor begin it again once it has ended."""
    times = WorkerTimes()
    with ExitStack() as workers:
        busy, idle = (
            workers.enter_context(hasty_worker(redis, redis_socket, tmp_path, times))
            for _ in range(2)
        )
        with held(lake):
            job = queue.enqueue(queue.INGEST, redis, "x", {"source": lake})
            process = await_running(job, redis)
            if fetch(job, redis).worker_name != busy.name:
                busy, idle = idle, busy
            idle.stop()
            busy.stop(process)
            time.sleep(120)
            assert not worker.is_alive(queue.INGEST, redis)
            idle.go_on()
            busy.go_on(process)
            assert worker.check(queue.INGEST, redis)
            time.sleep(2 * times.maintenance_s)
            assert running.of_job(job) == [process]
        await_true(lambda: status(job, redis) in queue.ENDED)
        time.sleep(2 * times.lease_s + times.maintenance_s)
        assert_done_once(job, redis)
