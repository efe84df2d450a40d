"""Runs the jobs of a queue: RQ's spawning worker, with the rules that all Lapwing workers share."""

from __future__ import annotations

import argparse
import logging
import os
import socket
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Final, Protocol

from redis import Redis
from rq import Queue, SpawnWorker
from rq.job import Job
from rq.serializers import JSONSerializer

from contract.child_process import die_with_parent
from contract.errors import JobError, LapwingError
from contract.jobs import queue

__all__ = [
    "LapwingJob",
    "LapwingWorker",
    "QueueSettings",
    "is_alive",
    "is_listening",
    "main",
    "work",
]

log = logging.getLogger(__name__)

LOG_FORMAT: Final = "%(asctime)s %(levelname)s %(name)s: %(message)s"


class LapwingJob(Job):
    """A job that runs only functions of `queue.JOB_TYPES`.

    Otherwise everybody who can write to Redis could run commands on the worker's machine.
    """

    def perform(self) -> object:
        """Run the job's function.

        Raises:
            JobError: the job names a function that is not in `queue.JOB_TYPES`.
        """
        logging.basicConfig(level=logging.INFO, format=LOG_FORMAT)
        for logger in ("rq.worker", "numexpr"):
            logging.getLogger(logger).setLevel(logging.WARNING)
        if self.func_name not in {job_type.function for job_type in queue.JOB_TYPES.values()}:
            self.retries_left = 0
            raise JobError(
                "the job names a function that Lapwing does not queue",
                got=self.func_name,
                remedy="If an older release of Lapwing queued this job, run the command again",
            )
        # Without this the job would go on after its worker was killed, while RQ runs it again.
        die_with_parent(os.getppid())
        log.info("job %s begins", self.id)
        try:
            result = super().perform()
        except Exception as error:
            if queue.would_recur(error):
                self.retries_left = 0
            raise
        log.info("job %s is done", self.id)
        return result


class LapwingWorker(SpawnWorker):
    """A worker that gives up its job at once when it is asked to stop.

    RQ's own worker waits until the job ends, which takes hours for a training; Docker would kill it
    after the grace period. This worker ends the job's process, and the job is retried, which
    resumes it.
    """

    def handle_warm_shutdown_request(self) -> None:
        """End the process group of the running job, if there is one."""
        if self.horse_pid:
            self.kill_horse()


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
        password_file = Path(settings.redis_password_file) if settings.redis_password_file else None
        connection = queue.connect(settings.redis_url, password_file)
    except LapwingError as error:
        return f"{service}: {error}"
    if arguments.check:
        return 0 if is_alive(queue_name, connection) else 1
    work(queue_name, connection)
    return 0


def work(queue_name: str, connection: Redis) -> None:
    """Run the jobs of one queue until SIGTERM or SIGINT.

    The three intervals below let another worker take over the job of a killed worker within 120 s.
    With RQ's defaults this takes up to 15 minutes, as measured in docs/adr/0004-jobs.md.
    """
    worker = LapwingWorker(
        [queue.queue(queue_name, connection)],
        # The name is unique, because RQ refuses the name of a dead worker.
        name=f"{queue_name}-{uuid.uuid4().hex[:8]}",
        connection=connection,
        serializer=JSONSerializer,
        job_class=LapwingJob,
        worker_ttl=30,
        job_monitoring_interval=5,
        maintenance_interval=20,
    )
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
