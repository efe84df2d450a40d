"""Runs real workers of the queue INGEST whose times are short, and lets them stand still."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from redis import Redis
from rq.job import Job
from rq.serializers import JSONSerializer

from contract.jobs import queue
from contract.jobs.lapwing_worker import LapwingWorker
from contract.jobs.worker_times import WorkerTimes
from support.services import running
from support.waiting import await_true

TIMES = WorkerTimes(heartbeat_s=1, lease_s=3, maintenance_s=1)
TICKETS = "rq:queue:ingest:intermediate"
LEASES = "rq:wip:ingest"
PROGRAM = """
import logging, os, sys
from contract.jobs import queue, worker
from contract.jobs.worker_times import WorkerTimes
from contract.settings import load
from ingest.settings import Settings

logging.basicConfig(level=logging.INFO)
settings = load(Settings, os.environ)
connection = queue.connect(settings.redis_url)
times = WorkerTimes(*map(int, sys.argv[1:]))
worker.work(queue.INGEST, connection, settings, lambda redis: None, times)
"""


@dataclass
class HastyWorker:
    """A worker in another process."""

    process: subprocess.Popen[bytes]
    redis: Redis

    @property
    def name(self) -> str:
        """The name of the worker; it must be registered."""
        return next(worker.name for worker in registered(self.redis) if worker.pid == self.pid)

    @property
    def pid(self) -> int:
        return self.process.pid

    def is_registered(self) -> bool:
        assert self.process.poll() is None, "the worker has ended"
        return any(worker.pid == self.pid for worker in registered(self.redis))

    def stop(self, *others: int) -> None:
        """Let the worker and other processes stand still."""
        for pid in (self.pid, *others):
            os.kill(pid, signal.SIGSTOP)

    def go_on(self, *others: int) -> None:
        for pid in (self.pid, *others):
            os.kill(pid, signal.SIGCONT)


def registered(redis: Redis) -> list[LapwingWorker]:
    """Return the workers of the queue that Redis knows."""
    workers = LapwingWorker.all(queue=queue.queue(queue.INGEST, redis))
    return [worker for worker in workers if isinstance(worker, LapwingWorker)]


@contextmanager
def hasty_worker(
    redis: Redis, socket: Path, data: Path, times: WorkerTimes = TIMES
) -> Iterator[HastyWorker]:
    """Run a worker until the `with` block ends, when it must end by itself."""
    environ = {
        **os.environ,
        "LAPWING_REDIS_URL": f"unix://{socket}",
        "LAPWING_DATA_DIR": str(data),
    }
    numbers = (times.heartbeat_s, times.lease_s, times.maintenance_s)
    process = subprocess.Popen(
        [sys.executable, "-P", "-c", PROGRAM, *map(str, numbers)],
        env=environ,
        start_new_session=True,
    )
    worker = HastyWorker(process, redis)
    try:
        await_true(worker.is_registered)
        yield worker
        process.send_signal(signal.SIGCONT)
        process.terminate()
        assert process.wait(60) == 0
    finally:
        process.kill()
        process.wait()


def await_running(job_id: str, redis: Redis) -> int:
    """Wait until a job has begun, and return its process."""
    await_true(lambda: status(job_id, redis) == "started" and bool(running.of_job(job_id)))
    return running.of_job(job_id)[0]


def status(job_id: str, redis: Redis) -> str:
    return queue.view(job_id, redis).status


def fetch(job_id: str, redis: Redis) -> Job:
    return Job.fetch(job_id, redis, JSONSerializer)
