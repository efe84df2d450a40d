"""Loses workers at each moment, by what they leave in a real Redis; only the clock is a test's."""

import time

import pytest
from redis import Redis
from rq import Queue
from rq.executions import Execution
from rq.job import Job
from rq.serializers import JSONSerializer

from contract.jobs import queue
from contract.jobs.lapwing_job import LapwingJob
from contract.jobs.lost_jobs import LostJobs

LEASE_S, PERIOD_S = 60.0, 5.0
TICKETS, WAITING, LEASES = "rq:queue:ingest:intermediate", "rq:queue:ingest", "rq:wip:ingest"


class Day:
    """The time of day, which a test lets pass."""

    def __init__(self) -> None:
        self.passed_s = 0.0

    def __call__(self) -> float:
        return time.time() + self.passed_s


class Keeper:
    """Finds lost jobs, and looks as often as a worker does."""

    def __init__(self, redis: Redis) -> None:
        self.day = Day()
        self.redis = redis
        waiting = Queue(queue.INGEST, redis, job_class=LapwingJob, serializer=JSONSerializer)
        self.lost_jobs = LostJobs(waiting, LEASE_S, PERIOD_S, self.day)

    def watch(self, seconds: float) -> None:
        """Look every few seconds, and find lost jobs at the end."""
        while seconds > 0:
            self.day.passed_s += min(seconds, PERIOD_S - 1)
            seconds -= PERIOD_S - 1
            self.lost_jobs.look()
        self.lost_jobs.restore()

    def stand_still(self, seconds: float) -> None:
        self.day.passed_s += seconds
        self.lost_jobs.restore()


@pytest.fixture
def keeper(redis: Redis) -> Keeper:
    return Keeper(redis)


@pytest.fixture
def job(redis: Redis) -> Job:
    job_id = queue.enqueue(queue.INGEST, redis, "x", {"source": "/a"})
    return LapwingJob.fetch(job_id, redis, JSONSerializer)


def take(redis: Redis) -> None:
    redis.lmove(WAITING, TICKETS)


def lease(job: Job, redis: Redis, worker: str = "one") -> Execution:
    with redis.pipeline() as pipeline:
        execution = Execution.create(job, int(LEASE_S), pipeline, worker)
        pipeline.execute()
    return execution


def begin(job: Job, redis: Redis, worker: str = "one") -> Execution:
    """Take a job and begin it, as a worker does."""
    take(redis)
    execution = lease(job, redis, worker)
    with redis.pipeline() as pipeline:
        job.prepare_for_execution(worker, pipeline)
        pipeline.lrem(TICKETS, 1, job.id)
        pipeline.execute()
    return execution


def ids(redis: Redis, key: str) -> list[str]:
    return [value.decode() for value in redis.lrange(key, 0, -1)]


def tries(job: Job, redis: Redis) -> int:
    return int(redis.hget(job.key, "retries_left") or 0)


def test_a_job_whose_worker_gives_no_sign_is_queued_again(
    redis: Redis, keeper: Keeper, job: Job
) -> None:
    begin(job, redis)
    before = tries(job, redis)
    keeper.watch(LEASE_S - 2)
    assert job.get_status().value == "started"
    keeper.watch(4)
    assert job.get_status().value == "queued"
    assert ids(redis, WAITING) == [job.id]
    assert tries(job, redis) == before - 1
    assert redis.zcard(LEASES) == 0
    assert redis.hget(job.key, "worker_name") == b""
    keeper.watch(10 * LEASE_S)
    assert ids(redis, WAITING) == [job.id]


def test_a_job_without_a_try_left_fails_and_says_why(
    redis: Redis, keeper: Keeper, job: Job
) -> None:
    redis.hset(job.key, "retries_left", 0)
    begin(job, redis)
    keeper.watch(LEASE_S + 2)
    view = queue.view(job.id, redis)
    assert view.status == "failed"
    assert view.error.startswith("contract.errors.JobError: the worker of the job was lost")
    assert ids(redis, WAITING) == []


def test_the_time_in_which_this_worker_stood_still_is_granted_to_the_others(
    redis: Redis, keeper: Keeper, job: Job
) -> None:
    begin(job, redis)
    keeper.watch(8)
    keeper.stand_still(3600)
    keeper.watch(LEASE_S - 20)
    assert job.get_status().value == "started"
    keeper.watch(20)
    assert job.get_status().value == "queued"


def test_a_job_that_another_worker_runs_is_left_to_it(
    redis: Redis, keeper: Keeper, job: Job
) -> None:
    """The run before was lost, and its lease is still there."""
    lost = begin(job, redis, "one")
    redis.zadd(LEASES, {lost.composite_key: time.time() - 1})
    lease(job, redis, "two")
    redis.hset(job.key, "worker_name", "two")
    keeper.watch(LEASE_S - 2)
    assert job.get_status().value == "started"
    assert ids(redis, WAITING) == []
    keeper.watch(4)  # now both are lost
    assert job.get_status().value == "queued"
    assert ids(redis, WAITING) == [job.id]
    assert redis.zcard(LEASES) == 0


@pytest.mark.parametrize("status", ["finished", "failed", "stopped", "canceled"])
def test_a_job_that_has_ended_is_never_begun_again(
    redis: Redis, keeper: Keeper, job: Job, status: str
) -> None:
    """Its id was left on the intermediate queue, and its lease was never removed."""
    take(redis)
    lease(job, redis)
    redis.hset(job.key, "status", status)
    before = redis.hgetall(job.key)
    for _ in range(3):
        keeper.watch(LEASE_S + 2)
    assert redis.hgetall(job.key) == before
    assert (ids(redis, TICKETS), ids(redis, WAITING), redis.zcard(LEASES)) == ([], [], 0)
    assert job.results() == []


def test_a_worker_that_is_lost_before_its_process_began_the_job(
    redis: Redis, keeper: Keeper, job: Job
) -> None:
    take(redis)
    lease(job, redis)
    keeper.watch(LEASE_S - 2)
    assert (ids(redis, TICKETS), ids(redis, WAITING)) == ([job.id], [])
    keeper.watch(4)
    assert (ids(redis, TICKETS), ids(redis, WAITING)) == ([], [job.id])


def test_a_worker_that_is_lost_before_it_wrote_that_it_took_the_job(redis: Redis, job: Job) -> None:
    take(redis)
    waiting = Queue(queue.INGEST, redis, job_class=LapwingJob, serializer=JSONSerializer)
    lost_jobs = LostJobs(waiting, lease_s=0.2, period_s=10)
    lost_jobs.restore()
    assert (ids(redis, TICKETS), ids(redis, WAITING)) == ([job.id], [])
    time.sleep(0.3)
    lost_jobs.restore()
    assert (ids(redis, TICKETS), ids(redis, WAITING)) == ([], [job.id])


def test_a_ticket_of_a_job_that_waits_or_runs_or_is_gone_is_removed(
    redis: Redis, keeper: Keeper, job: Job
) -> None:
    redis.rpush(TICKETS, job.id, "removed-long-ago")
    keeper.watch(1)
    assert (ids(redis, TICKETS), ids(redis, WAITING)) == ([], [job.id])
    begin(job, redis)
    redis.rpush(TICKETS, job.id)
    keeper.watch(1)
    assert ids(redis, TICKETS) == []
    assert job.get_status().value == "started"


def test_a_sign_of_life_amid_the_look_keeps_the_job(redis: Redis, job: Job) -> None:
    """The job is read and found overdue; before it is changed, its worker renews the lease."""

    class Renewing(LapwingJob):
        """A job whose worker gives a sign of life while the job is read."""

        @classmethod
        def fetch(cls, *arguments: object, **options: object) -> Job:
            redis.zadd(LEASES, {execution.composite_key: time.time() + 2 * LEASE_S})
            return LapwingJob.fetch(*arguments, **options)

    waiting = Queue(queue.INGEST, redis, job_class=Renewing, serializer=JSONSerializer)
    lost_jobs = LostJobs(waiting, LEASE_S, PERIOD_S)
    execution = begin(job, redis)
    redis.zadd(LEASES, {execution.composite_key: time.time() - 1})
    lost_jobs.restore()
    assert job.get_status().value == "started"
    assert ids(redis, WAITING) == []
    assert redis.zscore(LEASES, execution.composite_key) is not None
