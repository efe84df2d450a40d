"""Several runs claim a job; each change is made in a real Redis."""

from collections.abc import Callable

import pytest
from redis import Redis
from redis.client import Pipeline
from rq import Queue
from rq.executions import Execution
from rq.job import Job, JobStatus
from rq.serializers import JSONSerializer

from contract.jobs import queue
from contract.jobs.claim import RunClaim

TICKETS = "rq:queue:ingest:intermediate"


class Written:
    """Counts how often a change was written, and writes one that can be seen."""

    def __init__(self, change: Callable[[Pipeline], None] = lambda pipeline: None) -> None:
        self.times = 0
        self._change = change

    def __call__(self, pipeline: Pipeline) -> None:
        self.times += 1
        pipeline.set("rq:written", self.times)
        self._change(pipeline)


class Run:
    """One run of a job by a worker that has taken it."""

    def __init__(self, redis: Redis, job_id: str, worker: str) -> None:
        self.job = Job.fetch(job_id, redis, JSONSerializer)
        self.queue = Queue(queue.INGEST, redis, serializer=JSONSerializer)
        with redis.pipeline() as pipeline:
            self.execution = Execution.create(self.job, 60, pipeline, worker)
            pipeline.execute()
        self.worker = worker
        self.claim = RunClaim(self.job, self.queue, self.execution)

    def begin(self) -> bool:
        return self.claim.begin(lambda pipe: self.job.prepare_for_execution(self.worker, pipe))

    def end(self, status: JobStatus) -> bool:
        return self.claim.finish(lambda pipe: self.job.set_status(status, pipe))


@pytest.fixture
def taken(redis: Redis) -> str:
    """Return a job that a worker has just taken."""
    job_id = queue.enqueue(queue.INGEST, redis, "x", {"source": "/a"})
    redis.lmove("rq:queue:ingest", TICKETS)
    return job_id


def test_one_of_two_runs_begins_a_job_and_ends_it(redis: Redis, taken: str) -> None:
    first, second = (Run(redis, taken, name) for name in ("one", "two"))
    assert (first.claim.state, second.claim.state) == ("taken", "taken")
    assert first.begin()
    assert not second.begin()
    assert (first.claim.state, second.claim.state) == ("running", "")
    assert redis.lrange(TICKETS, 0, -1) == []
    assert not second.end(JobStatus.FAILED)
    assert first.end(JobStatus.FINISHED)
    assert first.job.get_status() == JobStatus.FINISHED


@pytest.mark.parametrize("status", ["finished", "failed", "stopped", "canceled"])
def test_a_job_that_has_ended_is_never_touched(redis: Redis, taken: str, status: str) -> None:
    run = Run(redis, taken, "one")
    redis.hset(f"rq:job:{taken}", mapping={"status": status, "worker_name": "one"})
    before = redis.hgetall(f"rq:job:{taken}")
    written = Written()
    for change in (run.claim.begin, run.claim.renew, run.claim.finish, run.claim.give_up):
        assert not change(written)
    assert written.times == 0
    assert redis.get("rq:written") is None
    assert redis.hgetall(f"rq:job:{taken}") == before
    assert run.claim.state == ""


def test_a_job_that_was_queued_again_is_not_begun_by_the_run_before(
    redis: Redis, taken: str
) -> None:
    run = Run(redis, taken, "one")
    redis.lmove(TICKETS, "rq:queue:ingest")
    assert not run.begin()
    assert not run.claim.renew(Written())
    assert redis.lrange("rq:queue:ingest", 0, -1) == [taken.encode()]


def test_a_job_that_was_removed_is_not_made_anew(redis: Redis, taken: str) -> None:
    run = Run(redis, taken, "one")
    redis.delete(f"rq:job:{taken}")
    assert not run.begin()
    assert not run.claim.give_up(Written())
    assert not redis.exists(f"rq:job:{taken}")


def test_a_run_that_gives_up_before_it_began_takes_its_ticket_along(
    redis: Redis, taken: str
) -> None:
    assert Run(redis, taken, "one").claim.give_up(Written())
    assert redis.lrange(TICKETS, 0, -1) == []


def test_a_run_may_renew_before_and_after_it_began(redis: Redis, taken: str) -> None:
    run = Run(redis, taken, "one")
    assert run.claim.renew(Written())
    assert redis.lrange(TICKETS, 0, -1) == [taken.encode()]
    assert run.begin()
    assert run.claim.renew(Written())
    assert not run.claim.begin(Written())


def test_nothing_is_written_where_another_was_faster(redis: Redis, taken: str) -> None:
    """Between the look at the job and the change another worker begins it."""
    run, other = (Run(redis, taken, name) for name in ("one", "two"))
    written = Written(lambda pipeline: other.begin() and None)
    assert not run.claim.begin(written)
    assert written.times == 1
    assert redis.get("rq:written") is None
    assert other.claim.state == "running"


def test_a_run_that_is_dropped_leaves_the_job(redis: Redis, taken: str) -> None:
    first, second = (Run(redis, taken, name) for name in ("one", "two"))
    first.begin()
    second.claim.drop()
    assert redis.zrange("rq:wip:ingest", 0, -1) == [first.execution.composite_key.encode()]
    assert first.claim.state == "running"
