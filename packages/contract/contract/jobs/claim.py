"""The right of one run of a job to begin it, to go on, and to write how it ended.

A worker may stand still at any moment and for any time, as on a laptop that sleeps or a machine
that swaps. Its job is then given to another worker. So a run changes the state of its job only in a
transaction that first looks whether the job is still its own:

    waiting ──a worker takes it──▶ taken ──its process begins it──▶ running ──▶ ended
       ▲                             │                                 │
       └───── its worker is lost, or it has failed and has a try left ─┘

- A job that is *taken* has the status "queued", and its id is on RQ's intermediate queue. The id is
  a ticket: one process takes it off and begins the job, and no other can.
- A job that is *running* has the status "started" and the name of its worker.
- A job that has *ended* belongs to nobody. No run touches it any more.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from redis import Redis
from rq.executions import Execution
from rq.job import Job, JobStatus
from rq.queue import Queue

if TYPE_CHECKING:
    from redis.client import Pipeline

__all__ = ["RunClaim"]

TAKEN: Final = "taken"
RUNNING: Final = "running"

Write = Callable[["Pipeline"], None]
"""Adds commands to a transaction. It may be called again, if others were faster."""


class RunClaim:
    """What one run of a job may do with it.

    Args:
        job: the job.
        queue: the queue of the job.
        execution: RQ's record of this run, with the name of the worker.
    """

    def __init__(self, job: Job, queue: Queue, execution: Execution) -> None:
        self._job = job
        self._tickets = queue.intermediate_queue_key
        self._execution = execution

    def begin(self, write: Write) -> bool:
        """Take the job's ticket, and write with it that the job runs; return False if it may not.

        Then another run has begun the job, or it has ended.
        """

        def take(pipeline: Pipeline) -> None:
            pipeline.lrem(self._tickets, 1, self._job.id)
            write(pipeline)

        return self._change((TAKEN,), take)

    def renew(self, write: Write) -> bool:
        """Write that the run goes on, if the job is taken or running; return whether it is."""
        return self._change((TAKEN, RUNNING), write)

    def finish(self, write: Write) -> bool:
        """Write the result, if the job is running; return whether it was."""
        return self._change((RUNNING,), write)

    def give_up(self, write: Write) -> bool:
        """Write a failure, the user's stop or one more try; return whether the job was its own."""

        def give_up(pipeline: Pipeline) -> None:
            # If its process ended before it began the job, the ticket is still there. Left there,
            # it would be taken for a lost one once the job has ended.
            pipeline.lrem(self._tickets, 1, self._job.id)
            write(pipeline)

        return self._change((TAKEN, RUNNING), give_up)

    def drop(self) -> None:
        """Forget this run, and leave the job as it is."""
        with self._job.connection.pipeline() as pipeline:
            self._execution.delete(self._job, pipeline)
            pipeline.execute()

    @property
    def state(self) -> str:
        """TAKEN, RUNNING, or "" if the job is not (or no longer) that of this run."""
        return self._state(self._job.connection)

    def _change(self, states: tuple[str, ...], write: Write) -> bool:
        def change(pipeline: Pipeline) -> bool:
            is_own = self._state(pipeline) in states
            pipeline.multi()
            if is_own:
                write(pipeline)
            return is_own

        transact: Any = change
        return bool(
            self._job.connection.transaction(
                transact, self._job.key, self._tickets, value_from_callable=True
            )
        )

    def _state(self, connection: Redis) -> str:
        status, worker_name = connection.hmget(self._job.key, "status", "worker_name")
        if status == JobStatus.QUEUED.encode():
            return "" if connection.lpos(self._tickets, self._job.id) is None else TAKEN
        is_own = (status, worker_name) == (
            JobStatus.STARTED.encode(),
            self._execution.worker_name.encode(),
        )
        return RUNNING if is_own else ""
