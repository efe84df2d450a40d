"""The worker of all services: RQ's spawning worker, with the rules that all of ours share."""

from __future__ import annotations

import logging
import math
import os
import sys
import time
from typing import TYPE_CHECKING, Any, Final

from redis.exceptions import ConnectionError, TimeoutError  # noqa: A004 - Redis's own
from rq import Queue, SpawnWorker, worker_registration
from rq.executions import Execution, ExecutionRegistry
from rq.job import Job, JobStatus
from rq.registry import FailedJobRegistry, FinishedJobRegistry, StartedJobRegistry
from rq.timeouts import BaseDeathPenalty
from rq.utils import now

from contract.child_process import SAFE_PATH
from contract.errors import JobError
from contract.jobs import deaths, leftovers
from contract.jobs.claim import RunClaim
from contract.jobs.lapwing_job import LapwingJob
from contract.jobs.lost_jobs import LostJobs, format_cause
from contract.jobs.worker_times import DEFAULT_TIMES, WorkerTimes
from contract.perpetual import PerpetualWork
from contract.settings import QueueSettings
from contract.watchdog import Watchdog

if TYPE_CHECKING:
    from redis.client import Pipeline

__all__ = [
    "EXECUTION",
    "JOB",
    "PARENT",
    "REDIS",
    "WORKER",
    "LapwingWorker",
    "Unlimited",
]

log = logging.getLogger(__name__)

WORKER, JOB, EXECUTION = "RQ_WORKER_ID", "RQ_JOB_ID", "RQ_EXECUTION_ID"
"""Variables that name the worker, the job and this run of it to the job's process."""
PARENT: Final = "LAPWING_WORKER_PID"
"""Variable with the id of the worker's process, with which the job's process ends."""
REDIS: Final = ("LAPWING_REDIS_URL", "LAPWING_REDIS_PASSWORD_FILE")
POLL_S: Final = 0.05
"""Time in seconds between two looks whether a job's process has ended."""


class Unlimited(BaseDeathPenalty):
    """No time limit within the process of a job: its worker keeps the limit.

    RQ's own is an alarm of the kernel, which also counts the time in which the process was stopped.
    """

    def setup_death_penalty(self) -> None:
        """Do nothing."""

    def cancel_death_penalty(self) -> None:
        """Do nothing."""


class LapwingWorker(SpawnWorker):
    """A worker that may stand still, gives up its job when it is stopped, and counts deaths.

    RQ's own worker waits until the job ends, which takes hours for a training; Docker would kill it
    after the grace period. This worker ends the job's process, and the job is retried, which
    resumes it.

    RQ's own worker also believes that it still has what it had. Where it stood still for longer
    than Redis keeps its registration, it is never listed again, and its job is left on the
    intermediate queue, from which it is begun again after it has ended. This worker registers anew
    with each sign of life, and changes the state of a job only while the job is its own (claim.py).

    Args:
        queues: its queues.
        name: its name.
        times: after which times it and its jobs are taken for lost.
        options: further arguments of RQ's worker.
    """

    settings: QueueSettings | None = None
    """The settings with which the process of each job connects to Redis."""
    gave_up = False
    """Whether this worker itself ended the process of its job, since it was asked to stop."""
    sweep: leftovers.Sweep | None = None
    """Removes the files that jobs left; it is called after each job."""
    cause = ""
    """What ended the process of the last job, if that is known."""
    listening = PerpetualWork("listening for commands", longest_pause_s=2.0)
    max_connection_wait_time = 10.0
    """Longest time in seconds between two tries to reach Redis."""

    def __init__(
        self,
        queues: list[Queue],
        name: str | None = None,
        *,
        times: WorkerTimes = DEFAULT_TIMES,
        **options: Any,  # noqa: ANN401
    ) -> None:
        self.times = times
        super().__init__(queues, name, worker_ttl=times.lease_s, **options)
        self._lost_jobs = [
            LostJobs(queue, times.lease_s, times.heartbeat_s) for queue in self.queues
        ]
        self._maintained_s = -float(times.maintenance_s)

    # ---- signs of life

    @property
    def dequeue_timeout(self) -> int:
        """Return for how many seconds Redis is asked for a job before the next sign of life."""
        return self.times.heartbeat_s

    def get_heartbeat_ttl(self, job: Job, working_time: float = 0.0) -> int:
        """Return for how many seconds a sign of life holds."""
        return self.times.lease_s

    def set_state(self, state: str, pipeline: Pipeline | None = None) -> None:
        """Change the state of this worker, which is a sign of life."""
        self._state = state
        self.heartbeat(pipeline=pipeline)

    def heartbeat(self, timeout: int | None = None, pipeline: Pipeline | None = None) -> None:
        """Register this worker, anew if Redis has forgotten it."""
        if pipeline is None:
            with self.connection.pipeline() as own:
                self.heartbeat(pipeline=own)
                own.execute()
            self._look()
            return
        self.last_heartbeat = now()
        pipeline.hset(self.key, mapping={**self.serialize(), "state": self._state})
        worker_registration.register(self, pipeline)
        for key in (self.key, self.executions_key):
            pipeline.expire(key, self.times.lease_s)

    def maintain_heartbeats(self, job: Job, execution: Execution) -> None:
        """Register this worker and the run of its job; end the run if the job is no longer its own.

        While Redis cannot be reached the job goes on: whose it is, is asked again with the next
        sign of life.
        """

        def write(pipeline: Pipeline) -> None:
            self.heartbeat(pipeline=pipeline)
            lease_s = self.times.lease_s
            execution.last_heartbeat = now()
            execution.save(lease_s, pipeline)
            ExecutionRegistry(job.id, pipeline).add(execution, lease_s, pipeline)
            job.started_job_registry.add_execution(execution, pipeline, lease_s)
            pipeline.sadd(self.executions_key, execution.composite_key)
            job.heartbeat(now(), lease_s, pipeline)

        claim = RunClaim(job, self.queues[0], execution)
        try:
            if not claim.renew(write):
                self.heartbeat()
                if not self._has_ended(job):
                    log.warning("job %s is no longer that of this worker: it is ended here", job.id)
                    self.kill_horse()
        except (ConnectionError, TimeoutError) as error:
            log.warning("Redis does not answer, and job %s goes on meanwhile: %s", job.id, error)
            return
        self._look()

    def _look(self) -> None:
        for lost_jobs in self._lost_jobs:
            lost_jobs.look()

    @staticmethod
    def _has_ended(job: Job) -> bool:
        """Return whether a job is finished or failed; then its process ends by itself."""
        ended = (JobStatus.FINISHED.encode(), JobStatus.FAILED.encode(), None)
        return job.connection.hget(job.key, "status") in ended

    def _pubsub_exception_handler(self, exc: Exception, _: object, thread: Any) -> None:  # noqa: ANN401
        """Go on listening for commands after any error: RQ's own would end this thread."""
        if thread._running.is_set():  # otherwise the worker ends
            time.sleep(self.listening.fail(exc))

    # ---- jobs of lost workers

    @property
    def should_run_maintenance_tasks(self) -> bool:
        """Return whether it is time to look for the jobs of lost workers."""
        return time.monotonic() - self._maintained_s >= self.times.maintenance_s

    def run_maintenance_tasks(self) -> None:
        """Queue the jobs of lost workers again, and forget workers and jobs of long ago."""
        for queue, lost_jobs in zip(self.queues, self._lost_jobs, strict=True):
            lost_jobs.restore()
            for registry in (FinishedJobRegistry, FailedJobRegistry):
                registry(queue=queue, job_class=LapwingJob).cleanup()
            worker_registration.clean_worker_registry(queue)
        self._maintained_s = time.monotonic()

    # ---- the process of a job

    def execute_job(self, job: Job, queue: Queue) -> None:
        """Run a job, and remove what it has left."""
        super().execute_job(job, queue)
        if self.sweep is not None and not self.gave_up:
            leftovers.attempt(self.sweep, self.connection)

    def fork_work_horse(self, job: Job, queue: Queue) -> None:
        """Start the process of a job (work_horse.py) in a process group of its own."""
        assert self.settings is not None
        assert self.execution is not None
        address = (self.settings.redis_url, self.settings.redis_password_file)
        variables = {
            WORKER: self.name,
            JOB: job.id,
            EXECUTION: self.execution.id,
            PARENT: str(os.getpid()),
            **dict(zip(REDIS, address, strict=True)),
        }
        self._horse_pid = os.posix_spawn(
            sys.executable,
            [sys.executable, "-m", "contract.jobs.work_horse"],
            {**os.environ, **SAFE_PATH, **variables},
            setpgroup=0,
        )

    def kill_horse(self, *arguments: Any) -> None:  # noqa: ANN401
        """End the process group of the job, if it has one.

        RQ's own would end that of the worker before the job's process is started.
        """
        if self.horse_pid:
            super().kill_horse(*arguments)

    def monitor_work_horse(self, job: Job, queue: Queue, execution: Execution) -> None:
        """Wait for the end of a job's process, and see to the job if the process did not."""
        self.cause = ""
        job.started_at = now()
        status = self._await_horse(job, execution)
        self._horse_pid = 0
        self.executions.pop(execution.id, None)
        claim = RunClaim(job, queue, execution)
        if status != os.EX_OK and claim.state:
            if self._stopped_job_id == job.id:
                self._handle_stopped_job(job, queue, execution)
            else:
                job.ended_at = now()
                self.handle_work_horse_killed(job, None, status, None)
                what = (
                    f"the job's process ended with the status {os.waitstatus_to_exitcode(status)}"
                )
                self.handle_job_failure(job, queue, exc_string=what, execution=execution)
        elif status != os.EX_OK:
            claim.drop()
        self._stopped_job_id = None

    def _await_horse(self, job: Job, execution: Execution) -> int:
        """Give signs of life until a job's process ends; return its status from os.waitpid."""
        limit_s = float(job.timeout) if job.timeout and job.timeout > 0 else math.inf
        limit = Watchdog(limit_s, self.times.heartbeat_s)
        heard_s = time.monotonic()
        while True:
            pid, status = os.waitpid(self._horse_pid, os.WNOHANG)
            if pid:
                return status
            if self._stopped_job_id == job.id:  # also if it was before there was a process
                self.kill_horse()
            if limit.is_expired and not self.cause:
                error = JobError(
                    f"the job did not end within its {job.timeout} s",
                    remedy="Give it less to do",
                )
                self.cause = format_cause(error)
                self.kill_horse()
            time.sleep(POLL_S)
            if limit.look() - heard_s >= self.times.heartbeat_s:
                self.maintain_heartbeats(job, execution)
                heard_s = time.monotonic()

    def handle_warm_shutdown_request(self) -> None:
        """End the process group of the running job, if there is one."""
        self.gave_up = True
        self.kill_horse()

    def handle_work_horse_killed(
        self, job: Job, retpid: int | None, ret_val: int | None, rusage: object
    ) -> None:
        """Count the death of a job's process that this worker survived; the second is the last."""
        if self.gave_up or self.cause or not ret_val or not os.WIFSIGNALED(ret_val):
            return
        what, remedy = deaths.describe_killed(job.origin, os.WTERMSIG(ret_val))
        if deaths.is_last_try(job):
            job.retries_left = 0
            self.cause = format_cause(JobError(f"{what}, {deaths.TRIES} times", remedy=remedy))
        else:
            log.warning("job %s is run once more: %s", job.id, what)

    # ---- the states of a job

    def perform_job(self, job: Job, queue: Queue, execution: Execution) -> bool:
        """Begin a job and run it, in its process; leave it alone if it is no longer to be begun."""
        claim = RunClaim(job, queue, execution)

        def write(pipeline: Pipeline) -> None:
            job.heartbeat(now(), self.times.lease_s, pipeline)
            job.prepare_for_execution(self.name, pipeline)
            pipeline.persist(job.key)

        if claim.begin(write):
            return bool(super().perform_job(job, queue, execution))
        log.warning("job %s is not begun here: it was given to another worker or ended", job.id)
        claim.drop()
        return False

    def prepare_job_execution(self, job: Job, remove_from_intermediate_queue: bool = False) -> None:
        """Do nothing: `perform_job` has begun the job."""

    def handle_execution_ended(self, job: Job, queue: Queue, heartbeat_ttl: int) -> None:
        """Note when the job ended; RQ's own would make a job anew that was removed meanwhile."""
        job.ended_at = now()

    def handle_job_success(
        self,
        job: Job,
        queue: Queue,
        started_job_registry: StartedJobRegistry,
        execution: Execution,
    ) -> None:
        """Keep the result of a job, if the job is still its own."""

        def write(pipeline: Pipeline) -> None:
            ttl_s = job.get_result_ttl(self.default_result_ttl)
            job._handle_success(ttl_s, pipeline, self.name, *_times(job, execution))
            job.cleanup(ttl_s, pipeline, remove_from_queue=False)
            self.increment_successful_job_count(pipeline)
            self._count_time(job, pipeline)
            execution.delete(job, pipeline)

        if not RunClaim(job, queue, execution).finish(write):
            log.warning("job %s was given to another worker: its result is dropped here", job.id)

    def handle_job_failure(
        self,
        job: Job,
        queue: Queue,
        started_job_registry: StartedJobRegistry | None = None,
        exc_string: str = "",
        execution: Execution | None = None,
    ) -> None:
        """Queue a job again that has a try left, or keep why it failed, if it is still its own."""
        assert execution is not None
        is_stopped, tries = self._stopped_job_id == job.id, job.retries_left

        def write(pipeline: Pipeline) -> None:
            job.retries_left = tries
            if tries and not is_stopped:
                job.worker_name = None  # nobody runs it, so nobody can be asked to stop it
                job.retry(queue, pipeline)
            else:
                job.set_status(JobStatus.STOPPED if is_stopped else JobStatus.FAILED, pipeline)
                why = self.cause or exc_string
                job._handle_failure(why, pipeline, self.name, *_times(job, execution))
            self.increment_failed_job_count(pipeline)
            self._count_time(job, pipeline)
            execution.delete(job, pipeline)

        if not RunClaim(job, queue, execution).give_up(write):
            log.warning("job %s was given to another worker: its end is not told here", job.id)

    def _count_time(self, job: Job, pipeline: Pipeline) -> None:
        """Add the time of a job to that of its worker."""
        if job.started_at and job.ended_at:
            self.increment_total_working_time(job.ended_at - job.started_at, pipeline)


def _times(job: Job, execution: Execution) -> tuple[str, Any, Any]:
    """Return the run of a job with its times, as RQ keeps them with the result."""
    return execution.id, execution.created_at, job.ended_at
