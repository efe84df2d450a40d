"""The process of one job: `python -m contract.jobs.work_horse`, which a worker starts.

RQ's own worker writes a program with the password of Redis into the command line of this process,
where every user of the machine can read it. This process reads the worker's own settings instead.
"""

from __future__ import annotations

import os

from rq import Queue
from rq.executions import Execution
from rq.serializers import JSONSerializer

from contract.child_process import die_with_parent
from contract.jobs.lapwing_job import LapwingJob
from contract.jobs.lapwing_worker import (
    EXECUTION,
    JOB,
    PARENT,
    REDIS,
    WORKER,
    LapwingWorker,
    Unlimited,
)
from contract.redis_client import make_client

__all__ = ["main"]


def main() -> None:
    """Run the job that the environment names, and end this process."""
    # Without this the job would go on after its worker was killed, while another one runs it again.
    die_with_parent(int(os.environ[PARENT]))
    url, password_file = (os.environ[name] for name in REDIS)
    connection = make_client(url, password_file)
    job_id, worker_name = os.environ[JOB], os.environ[WORKER]
    job = LapwingJob.fetch(job_id, connection=connection, serializer=JSONSerializer)
    queue = Queue(job.origin, connection, job_class=LapwingJob, serializer=JSONSerializer)
    # What Redis holds of the worker and of this run may have expired, where all stood still.
    execution = Execution(os.environ[EXECUTION], job_id, connection, worker_name)
    execution._job = job
    worker = LapwingWorker(
        [queue],
        name=worker_name,
        connection=connection,
        serializer=JSONSerializer,
        job_class=LapwingJob,
        prepare_for_work=False,
    )
    worker.death_penalty_class = Unlimited
    worker.execution = execution
    worker.main_work_horse(job, queue)


if __name__ == "__main__":
    main()
