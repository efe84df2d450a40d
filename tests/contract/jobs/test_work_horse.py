"""Starts the process of a job by a real worker that dies before the process asks the kernel."""

import os
import subprocess
import sys
from pathlib import Path

from redis import Redis
from support.services import running
from support.services.hasty_workers import TICKETS, status
from support.waiting import await_true

from contract.jobs import queue

WORKER = """
import os
from rq import Queue
from rq.serializers import JSONSerializer
from contract.jobs import queue
from contract.jobs.lapwing_job import LapwingJob
from contract.jobs.lapwing_worker import LapwingWorker
from contract.settings import load
from ingest.settings import Settings

settings = load(Settings, os.environ)
connection = queue.connect(settings.redis_url)
waiting = Queue(queue.INGEST, connection, job_class=LapwingJob, serializer=JSONSerializer)
worker = LapwingWorker(
    [waiting], connection=connection, serializer=JSONSerializer, job_class=LapwingJob
)
worker.settings = settings
worker.register_birth()
job, _ = worker.dequeue_job_and_maintain_ttl(10)
worker.prepare_execution(job)
worker.fork_work_horse(job, waiting)
os._exit(0)
"""


def test_a_job_is_not_begun_by_a_process_whose_worker_has_died(
    redis: Redis, redis_socket: Path, tmp_path: Path
) -> None:
    """It would run beside the process of the next worker. Nobody else may begin it here."""
    job = queue.enqueue(queue.INGEST, redis, "x", {"source": str(tmp_path / "nothing")})
    environ = {
        **os.environ,
        "LAPWING_REDIS_URL": f"unix://{redis_socket}",
        "LAPWING_DATA_DIR": str(tmp_path),
    }
    subprocess.run([sys.executable, "-P", "-c", WORKER], env=environ, check=True, timeout=60)
    await_true(lambda: running.of_job(job) == [])
    assert status(job, redis) == "queued"
    assert redis.lrange(TICKETS, 0, -1) == [job.encode()]
