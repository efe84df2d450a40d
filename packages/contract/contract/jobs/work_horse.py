"""The process of one job: `python -m contract.jobs.work_horse`, which a worker starts.

RQ's own worker writes a program with the password of Redis into the command line of this process,
where every user of the machine can read it. This process reads the worker's own settings instead.
"""

from __future__ import annotations

import os

from rq import Queue
from rq.executions import Execution
from rq.serializers import JSONSerializer

from contract.jobs.lapwing_job import LapwingJob
from contract.jobs.worker import EXECUTION, JOB, REDIS, WORKER, LapwingWorker
from contract.redis_client import make_client

__all__ = ["main"]


def main() -> None:
    """Run the job that the environment names, and end this process."""
    url, password_file = (os.environ[name] for name in REDIS)
    connection = make_client(url, password_file)
    job_id = os.environ[JOB]
    worker = LapwingWorker.find_by_key(
        LapwingWorker.redis_worker_namespace_prefix + os.environ[WORKER],
        connection=connection,
        job_class=LapwingJob,
        queue_class=Queue,
        serializer=JSONSerializer,
    )
    if worker is None:
        raise SystemExit("the worker of this job is not registered in Redis any more")
    job = LapwingJob.fetch(job_id, connection=connection, serializer=JSONSerializer)
    queue = Queue(job.origin, connection, job_class=LapwingJob, serializer=JSONSerializer)
    execution = Execution.fetch(os.environ[EXECUTION], job_id, connection=connection)
    execution._job = job
    worker.execution = execution
    worker.main_work_horse(job, queue)


if __name__ == "__main__":
    main()
