"""Runs the jobs of a queue: RQ's spawning worker, with the rules that all Lapwing workers share."""

from __future__ import annotations

import argparse
import logging
import os
import socket
import sys
import time
import uuid
from collections.abc import Callable
from typing import Final, Protocol

from redis import Redis
from redis.client import PubSub, PubSubWorkerThread
from rq import Queue, SpawnWorker
from rq.executions import Execution
from rq.job import Job
from rq.registry import StartedJobRegistry
from rq.serializers import JSONSerializer

from contract.child_process import SAFE_PATH
from contract.errors import JobError, LapwingError
from contract.jobs import deaths, queue
from contract.jobs.lapwing_job import LOG_FORMAT, LapwingJob
from contract.perpetual import PerpetualWork

__all__ = [
    "EXECUTION",
    "JOB",
    "REDIS",
    "WORKER",
    "LapwingWorker",
    "QueueSettings",
    "is_alive",
    "is_listening",
    "main",
    "work",
]

log = logging.getLogger(__name__)

WORKER, JOB, EXECUTION = "RQ_WORKER_ID", "RQ_JOB_ID", "RQ_EXECUTION_ID"
"""Variables that name the worker, the job and this run of it to the job's process."""
REDIS: Final = ("LAPWING_REDIS_URL", "LAPWING_REDIS_PASSWORD_FILE")


class LapwingWorker(SpawnWorker):
    """A worker that gives up its job at once when it is asked to stop, and counts killed jobs.

    RQ's own worker waits until the job ends, which takes hours for a training; Docker would kill it
    after the grace period. This worker ends the job's process, and the job is retried, which
    resumes it.
    """

    settings: QueueSettings | None = None
    """The settings with which the process of each job connects to Redis."""
    gave_up = False
    """Whether this worker itself ended the process of its job, since it was asked to stop."""
    cause = ""
    """What killed the process of the last job, if it may not be run again."""
    listening = PerpetualWork("listening for commands", longest_pause_s=2.0)
    """What RQ does in a thread of its own; a command stops the running job, for example."""

    def _pubsub_exception_handler(
        self, exc: Exception, pubsub: PubSub, pubsub_thread: PubSubWorkerThread
    ) -> None:
        """Go on listening after an error; RQ calls this in that thread.

        RQ itself goes on after a lost connection alone. A time limit of Redis or a command that
        cannot be carried out would end the thread, and no job of this worker could be stopped.
        """
        if not isinstance(exc, Exception):
            raise exc
        if pubsub_thread._running.is_set():  # otherwise the worker ends, and has closed it
            time.sleep(self.listening.fail(exc))

    def fork_work_horse(self, job: Job, queue: Queue) -> None:
        """Start the process of a job (work_horse.py) in a process group of its own."""
        assert self.settings is not None
        assert self.execution is not None
        address = (self.settings.redis_url, self.settings.redis_password_file)
        variables = {
            WORKER: self.name,
            JOB: job.id,
            EXECUTION: self.execution.id,
            **dict(zip(REDIS, address, strict=True)),
        }
        self._horse_pid = os.posix_spawn(
            sys.executable,
            [sys.executable, "-m", "contract.jobs.work_horse"],
            {**os.environ, **SAFE_PATH, **variables},
            setpgroup=0,
        )

    def handle_warm_shutdown_request(self) -> None:
        """End the process group of the running job, if there is one."""
        self.gave_up = True
        if self.horse_pid:
            self.kill_horse()

    def handle_work_horse_killed(
        self, job: Job, retpid: int | None, ret_val: int | None, rusage: object
    ) -> None:
        """Count the death of a job's process that this worker survived; the second is the last."""
        self.cause = ""
        if self.gave_up or not ret_val or not os.WIFSIGNALED(ret_val):
            return
        what, remedy = deaths.describe_killed(job.origin, os.WTERMSIG(ret_val))
        if deaths.is_last_try(job):
            job.retries_left = 0
            error = JobError(f"{what}, {deaths.TRIES} times", remedy=remedy)
            self.cause = f"{type(error).__module__}.{type(error).__name__}: {error}"
        else:
            log.warning("job %s is run once more: %s", job.id, what)

    def handle_job_failure(
        self,
        job: Job,
        queue: Queue,
        started_job_registry: StartedJobRegistry | None = None,
        exc_string: str = "",
        execution: Execution | None = None,
    ) -> None:
        """Keep why a job failed, as RQ does, with the cause where its process was killed."""
        cause, self.cause = self.cause, ""
        super().handle_job_failure(job, queue, started_job_registry, cause or exc_string, execution)


class QueueSettings(Protocol):
    """The settings that every worker needs to reach the queue."""

    @property
    def redis_url(self) -> str:
        """URL of Redis."""

    @property
    def redis_password_file(self) -> str:
        """Path of the file that holds the password of Redis, or ""."""


def main(
    service: str, queue_name: str, load_settings: Callable[[], QueueSettings], description: str
) -> int | str:
    """Run the command `python -m <service>`, which works on a queue.

    With the option --check the command only says whether a worker is alive.

    Args:
        service: name of the service's package.
        queue_name: name of the queue, such as queue.TRAIN.
        load_settings: returns the settings of the service.
        description: text for the command's help.

    Returns:
        An argument for sys.exit: 0, 1 or an error message.
    """
    parser = argparse.ArgumentParser(prog=f"python -m {service}", description=description)
    parser.add_argument(
        "--check",
        action="store_true",
        help="Exit with 0 if the worker on this machine is alive, otherwise with 1.",
    )
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format=LOG_FORMAT)
    try:
        settings = load_settings()
        connection = queue.connect(settings.redis_url, settings.redis_password_file)
    except LapwingError as error:
        return f"{service}: {error}"
    if arguments.check:
        return 0 if is_alive(queue_name, connection) else 1
    work(queue_name, connection, settings)
    return 0


def work(queue_name: str, connection: Redis, settings: QueueSettings) -> None:
    """Run the jobs of one queue until SIGTERM or SIGINT.

    The three intervals below let another worker take over the job of a killed worker within 120 s.
    With RQ's defaults this takes up to 15 minutes, as measured in docs/adr/0004-jobs.md.
    """
    worker = LapwingWorker(
        # Its own class of jobs too: a queue cleans up after killed jobs, and calls their callbacks.
        [Queue(queue_name, connection, job_class=LapwingJob, serializer=JSONSerializer)],
        # The name is unique, because RQ refuses the name of a dead worker.
        name=f"{queue_name}-{uuid.uuid4().hex[:8]}",
        connection=connection,
        serializer=JSONSerializer,
        job_class=LapwingJob,
        worker_ttl=30,
        job_monitoring_interval=5,
        maintenance_interval=20,
    )
    worker.settings = settings
    log.info("waiting for jobs of the queue %s", queue_name)
    # At level INFO, RQ would write a line every 30 s although nothing happens.
    worker.work(logging_level="WARNING")


def is_alive(queue_name: str, connection: Redis) -> bool:
    """Return whether a worker of this queue is alive on this machine.

    RQ removes a worker from its list after a minute or two without a heartbeat, so it is enough
    that the worker is listed.
    """
    workers = LapwingWorker.all(queue=Queue(queue_name, connection=connection))
    return any(worker.hostname == socket.gethostname() for worker in workers)


def is_listening(queue_name: str, connection: Redis) -> bool:
    """Return whether a worker of this queue is alive on any machine."""
    return bool(LapwingWorker.all(queue=Queue(queue_name, connection=connection)))
