"""The process that runs jobs: RQ's spawning worker, with the habits of the house."""

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
from contract.errors import JobError, LapwingError, ReaderDiedError
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
    """A job that runs only what Lapwing queues: access to Redis is not to be access to a shell."""

    def perform(self) -> object:
        """Run the job's function.

        Raises:
            JobError: the job names another function than ours.
        """
        logging.basicConfig(level=logging.INFO, format=LOG_FORMAT)
        for chatty in ("rq.worker", "numexpr"):
            logging.getLogger(chatty).setLevel(logging.WARNING)
        if self.func_name not in {kind.function for kind in queue.JOB_TYPES.values()}:
            self.retries_left = 0
            raise JobError(
                "the job names a function that Lapwing does not queue",
                got=self.func_name,
                remedy="If an older release of Lapwing queued this job, run the command again",
            )
        # Else the job of a worker that was killed would go on, while RQ has it run a second time.
        die_with_parent(os.getppid())
        log.info("job %s begins", self.id)
        try:
            result = super().perform()
        except ReaderDiedError:
            raise  # killed from without, as this process might have been: it is run again
        except LapwingError:
            # A second run would find it again: retries are for what comes from without, a process
            # that died or a Redis that was away.
            self.retries_left = 0
            raise
        log.info("job %s is done", self.id)
        return result


class LapwingWorker(SpawnWorker):
    """A worker that hands its job back at once when it is told to stop.

    RQ's own waits for the job's end, which for a training is hours; Docker would kill it after the
    grace period. Here the job's process is ended and the job is retried, which resumes it.
    """

    def handle_warm_shutdown_request(self) -> None:
        """End the job's process group, if a job runs."""
        if self.horse_pid:
            self.kill_horse()


class QueueSettings(Protocol):
    """What a worker's settings say of the queue."""

    @property
    def redis_url(self) -> str:
        """Redis's address."""

    @property
    def redis_password_file(self) -> str:
        """The file that holds its password, or ""."""


def main(
    service: str, name: str, settings: Callable[[], QueueSettings], description: str
) -> int | str:
    """Run `python -m <service>`: work on a queue, or with --check tell whether a worker is alive.

    Returns what sys.exit takes: 0, 1, or the message of what was wrong.
    """
    parser = argparse.ArgumentParser(prog=f"python -m {service}", description=description)
    parser.add_argument(
        "--check", action="store_true", help="exit 0 if this machine's worker is alive, 1 if not"
    )
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format=LOG_FORMAT)
    try:
        chosen = settings()
        password = Path(chosen.redis_password_file) if chosen.redis_password_file else None
        connection = queue.connect(chosen.redis_url, password)
    except LapwingError as error:
        return f"{service}: {error}"
    if arguments.check:
        return 0 if is_alive(name, connection) else 1
    work(name, connection)
    return 0


def work(name: str, connection: Redis) -> None:
    """Run the jobs of one queue until SIGTERM or SIGINT.

    The three intervals let a job whose worker was killed be taken up within 120 s; RQ's defaults
    take up to 15 minutes (measured: docs/adr/0004-jobs.md).
    """
    worker = LapwingWorker(
        [queue.queue(name, connection)],
        name=f"{name}-{uuid.uuid4().hex[:8]}",  # unique: RQ refuses a dead worker's name
        connection=connection,
        serializer=JSONSerializer,
        job_class=LapwingJob,
        worker_ttl=30,
        job_monitoring_interval=5,
        maintenance_interval=20,
    )
    log.info("waiting for jobs of the queue %s", name)
    # RQ's own INFO is a line every 30 s that nothing happened.
    worker.work(logging_level="WARNING")


def is_alive(name: str, connection: Redis) -> bool:
    """Tell whether a worker of this queue on this machine has shown itself lately.

    RQ forgets a worker that has not for a minute or two, so one that is listed will do.
    """
    workers = LapwingWorker.all(queue=Queue(name, connection=connection))
    return any(worker.hostname == socket.gethostname() for worker in workers)


def is_listening(name: str, connection: Redis) -> bool:
    """Tell whether a worker of this queue is alive on any machine."""
    return bool(LapwingWorker.all(queue=Queue(name, connection=connection)))
