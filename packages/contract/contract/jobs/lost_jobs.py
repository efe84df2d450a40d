"""Finds the jobs whose worker was lost, and queues them again.

RQ does this too, but from what it read a moment before: a worker that gives a sign of life
meanwhile loses its job and keeps it at once, a job that has ended is begun again if its id was left
on the intermediate queue, and a kill amid the cleaning holds up the next for 15 minutes. Here each
job is looked at and changed in one transaction, so that any number of workers may do it at any
time.
"""

from __future__ import annotations

import functools
import logging
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from redis import Redis
from rq.job import Job, JobStatus
from rq.queue import Queue
from rq.registry import StartedJobRegistry
from rq.utils import parse_composite_key

from contract.errors import JobError
from contract.watchdog import Watchdog

if TYPE_CHECKING:
    from redis.client import Pipeline

__all__ = ["LostJobs", "format_cause"]

log = logging.getLogger(__name__)

WAITING: Final = JobStatus.QUEUED.encode()
STARTED: Final = JobStatus.STARTED.encode()


def format_cause(error: JobError) -> str:
    """Return the reason of a failed job as the last line of a traceback tells it."""
    return f"{type(error).__module__}.{type(error).__name__}: {error}"


class LostJobs:
    """Watches the runs of one queue's jobs, on behalf of one worker.

    A run gives signs of life: it renews its *lease*, an entry of RQ's registry of started jobs that
    says until when it holds. `look` must be called as often as a worker gives such signs.

    Args:
        queue: the queue.
        lease_s: time in seconds for which a run may give no sign of life.
        period_s: longest time in seconds between two calls of `look`, unless this process stands
            still.
        clock: tells the time of day in seconds, as the other workers do.
    """

    def __init__(
        self,
        queue: Queue,
        lease_s: float,
        period_s: float,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._queue = queue
        self._redis = queue.connection
        self._leases = StartedJobRegistry(queue=queue).key
        self._tickets = queue.intermediate_queue_key
        self._lease_dog = Watchdog(lease_s, period_s, clock)
        self._ticket_dog = Watchdog(lease_s, period_s)
        self._first_seen_s: dict[str, float] = {}
        """When a ticket without a lease was seen for the first time, by the id of its job."""

    def look(self) -> None:
        """Measure for how long this process stood still, which is granted to all runs."""
        self._lease_dog.look()
        self._ticket_dog.look()

    def restore(self) -> None:
        """Queue the jobs again whose run has given no sign of life, and remove stray tickets."""
        self.look()
        for lease, heard_s in self._read_leases(self._redis).items():
            if self._lease_dog.is_overdue(heard_s):
                self._transact(_job_id(lease), self._end_runs)
        taken: Any = self._redis.lrange(self._tickets, 0, -1)
        tickets = {ticket.decode() for ticket in taken}
        self._first_seen_s = {
            job_id: at_s for job_id, at_s in self._first_seen_s.items() if job_id in tickets
        }
        for job_id in sorted(tickets):
            self._transact(job_id, self._collect_ticket)

    def _read_leases(self, connection: Redis) -> dict[str, float]:
        """Return when each run gave its last sign of life, by its lease."""
        leases: Any = connection.zrange(self._leases, 0, -1, withscores=True)
        return {lease.decode(): until_s - self._lease_dog.limit_s for lease, until_s in leases}

    def _end_runs(self, pipeline: Pipeline, job_id: str) -> str:
        """End the runs of a job if all of them are overdue, and queue it again if it was theirs."""
        leases = self._read_leases(pipeline)
        heard_s = {lease: at_s for lease, at_s in leases.items() if _job_id(lease) == job_id}
        status = pipeline.hget(self._job_key(job_id), "status")
        has_ticket = pipeline.lpos(self._tickets, job_id) is not None
        pipeline.multi()
        # Leases do not tell whose the job is. If one run lives, it may be its own.
        if not heard_s or not all(map(self._lease_dog.is_overdue, heard_s.values())):
            return ""
        pipeline.zrem(self._leases, *heard_s)
        is_lost = status == STARTED or (status == WAITING and has_ticket)
        return self._queue_again(pipeline, job_id) if is_lost else ""

    def _collect_ticket(self, pipeline: Pipeline, job_id: str) -> str:
        """Take a ticket off the intermediate queue if nobody will use it."""
        status = pipeline.hget(self._job_key(job_id), "status")
        is_leased = any(_job_id(lease) == job_id for lease in self._read_leases(pipeline))
        is_waiting = pipeline.lpos(self._queue.key, job_id) is not None
        pipeline.multi()
        if status != WAITING or is_waiting:  # it has begun or ended, or it waits in the queue too
            pipeline.lrem(self._tickets, 0, job_id)
        elif is_leased:  # its process is about to begin it
            self._first_seen_s.pop(job_id, None)
        elif self._ticket_dog.is_overdue(
            self._first_seen_s.setdefault(job_id, self._ticket_dog.look())
        ):  # the worker was lost between taking the job and writing that it did
            return self._queue_again(pipeline, job_id)
        return ""

    def _queue_again(self, pipeline: Pipeline, job_id: str) -> str:
        """Queue a job once more, or let it fail if it has no try left; return which, in words."""
        job = self._queue.job_class.fetch(job_id, self._redis, self._queue.serializer)
        pipeline.lrem(self._tickets, 0, job_id)
        if job.retries_left:
            job.worker_name = None  # a worker that is lost cannot be asked to stop the job
            job.retry(self._queue, pipeline)
            return "is queued again: its worker was lost"
        error = JobError(
            "the worker of the job was lost, and the job has no try left",
            remedy="Its log may tell why. Then run the command again",
        )
        job.set_status(JobStatus.FAILED, pipeline)
        job._handle_failure(format_cause(error), pipeline)
        return f"failed: {error}"

    def _transact(self, job_id: str, change: Callable[..., str]) -> None:
        """Make a change to a job, again if something about it was changed at the same time."""
        watched = (self._job_key(job_id), self._leases, self._tickets, self._queue.key)
        transact: Any = functools.partial(change, job_id=job_id)
        done = self._redis.transaction(transact, *watched, value_from_callable=True)
        if done:
            log.warning("job %s %s", job_id, done)

    @staticmethod
    def _job_key(job_id: str) -> str:
        return Job.redis_job_namespace_prefix + job_id


def _job_id(lease: str) -> str:
    return str(parse_composite_key(lease)[0])
