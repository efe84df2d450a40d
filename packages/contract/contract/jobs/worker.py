"""Runs the worker of a queue, and tells whether one is alive."""

from __future__ import annotations

import argparse
import logging
import socket
import time
import uuid
from collections.abc import Callable
from typing import Final, TypeVar

from redis import Redis
from rq import Queue
from rq.serializers import JSONSerializer

from contract import redis_client
from contract.errors import LapwingError
from contract.jobs import leftovers, queue
from contract.jobs.lapwing_job import LOG_FORMAT, LapwingJob
from contract.jobs.lapwing_worker import LapwingWorker
from contract.jobs.worker_times import DEFAULT_TIMES, WorkerTimes
from contract.settings import QueueSettings
from contract.watchdog import Watchdog

__all__ = ["check", "is_alive", "is_listening", "main", "work"]

log = logging.getLogger(__name__)

CHECK_S: Final = 7.0
"""Longest time in seconds that --check waits for a worker to give a sign of life. One that has just
woken up with its machine gives it within 5 s; docker-compose.yml gives the check 10 s."""
CHECK_POLL_S: Final = 0.1


S = TypeVar("S", bound=QueueSettings)


def main(
    service: str,
    queue_name: str,
    load_settings: Callable[[], S],
    description: str,
    sweep: Callable[[S, Redis], None],
) -> int | str:
    """Run the command `python -m <service>`, which works on a queue.

    With the option --check the command only says whether a worker is alive.

    Args:
        service: name of the service's package.
        queue_name: name of the queue, such as queue.TRAIN.
        load_settings: returns the settings of the service.
        description: text for the command's help.
        sweep: removes the files that jobs of this queue have left.

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
        with redis_client.explain_errors():
            if arguments.check:
                return 0 if check(queue_name, connection) else 1
            work(queue_name, connection, settings, lambda redis: sweep(settings, redis))
    except LapwingError as error:
        return f"{service}: {error}"
    return 0


def work(
    queue_name: str,
    connection: Redis,
    settings: QueueSettings,
    sweep: leftovers.Sweep,
    times: WorkerTimes = DEFAULT_TIMES,
) -> None:
    """Run the jobs of one queue until SIGTERM or SIGINT.

    With the default times another worker takes over the job of a killed worker within 90 s. With
    RQ's defaults this takes up to 15 minutes, as measured in docs/adr/0004-jobs.md.
    """
    worker = LapwingWorker(
        # Its own class of jobs too: a queue fetches them to queue them again.
        [Queue(queue_name, connection, job_class=LapwingJob, serializer=JSONSerializer)],
        # The name is unique, because RQ refuses the name of a dead worker.
        name=f"{queue_name}-{uuid.uuid4().hex[:8]}",
        connection=connection,
        serializer=JSONSerializer,
        job_class=LapwingJob,
        times=times,
    )
    worker.settings = settings
    worker.sweep = sweep
    leftovers.attempt(sweep, connection)
    log.info("waiting for jobs of the queue %s", queue_name)
    # At level INFO, RQ would write a line every 30 s although nothing happens.
    worker.work(logging_level="WARNING")


def check(queue_name: str, connection: Redis, patience_s: float = CHECK_S) -> bool:
    """Return whether a worker of this queue is alive on this machine, or gives a sign of it soon.

    Args:
        queue_name: name of the queue.
        connection: connection to Redis.
        patience_s: longest time in seconds to wait for the sign. Where the whole machine stood
            still, all signs have expired when this is asked.
    """
    patience = Watchdog(patience_s, 1.0)
    while not is_alive(queue_name, connection):
        patience.look()
        if patience.is_expired:
            return False
        time.sleep(CHECK_POLL_S)
    return True


def is_alive(queue_name: str, connection: Redis) -> bool:
    """Return whether a worker of this queue is registered from this machine.

    Redis forgets a worker after a minute without a sign of life.
    """
    workers = LapwingWorker.all(queue=Queue(queue_name, connection=connection))
    return any(worker.hostname == socket.gethostname() for worker in workers)


def is_listening(queue_name: str, connection: Redis) -> bool:
    """Return whether a worker of this queue is alive on any machine."""
    return any(
        worker.hostname for worker in LapwingWorker.all(queue=queue.queue(queue_name, connection))
    )
