"""Replaces the workers of a Lapwing: a test takes jobs from the queues and gives their results."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from redis import Redis
from rq import Queue
from rq.job import Job, JobStatus
from rq.serializers import JSONSerializer

from contract.jobs import queue as jobs
from contract.jobs.lapwing_worker import LapwingWorker

QUEUES = (jobs.INGEST, jobs.TRAIN, jobs.EVALUATION)


@dataclass
class Workers:
    """Gives results to jobs; a method takes the next job of its type and returns its arguments."""

    redis: Redis

    def appear(self) -> None:
        """Register a worker of each queue in Redis."""
        for name in QUEUES:
            queue = jobs.queue(name, self.redis)
            worker = LapwingWorker([queue], connection=self.redis, serializer=JSONSerializer)
            worker.register_birth()

    def begin(self, job_type: str) -> Job:
        """Take the next job of a queue, which must be of this type, and mark it as started."""
        queue = jobs.queue(jobs.JOB_TYPES[job_type].queue, self.redis)
        dequeued = Queue.dequeue_any([queue], 15, self.redis, serializer=JSONSerializer)
        assert dequeued is not None, "nothing was queued"
        job = dequeued[0]
        assert job.func_name == jobs.JOB_TYPES[job_type].function
        with self.redis.pipeline() as pipeline:
            job.prepare_for_execution("test", pipeline)
            pipeline.execute()
        return job

    def finish(self, job: Job, result: dict[str, Any]) -> None:
        job._result = result
        with self.redis.pipeline() as pipeline:
            job._handle_success(100, pipeline)
            pipeline.execute()

    def fail(self, job: Job, why: str) -> None:
        with self.redis.pipeline() as pipeline:
            job.set_status(JobStatus.FAILED, pipeline)
            job._handle_failure(why, pipeline)
            pipeline.execute()

    def answer(self, job_type: str, result: dict[str, Any]) -> dict[str, Any]:
        """Finish the next job, which must be of this type, and return its arguments."""
        job = self.begin(job_type)
        self.finish(job, result)
        return dict(job.kwargs)

    def evaluate(self, clear: float, fog: float) -> dict[str, Any]:
        def measured(name: str, mean: float) -> dict[str, Any]:
            interval = {"mean": mean, "low": mean - 5, "high": mean}
            return {"condition": name, "measures": {"autonomy_percent": interval}}

        conditions = [measured("clear", clear), measured("fog", fog)]
        return self.answer(jobs.EVALUATE, {"evaluation": {"conditions": conditions}})

    def collect(self) -> dict[str, Any]:
        collected = {
            "folder": "/inbox/x/r",
            "rows": 90,
            "drives": 6,
            "interventions": 2,
            "apart_mean": 0.1,
        }
        return self.answer(jobs.COLLECT, {"collected": collected})

    def ingest(self, dataset: str) -> dict[str, Any]:
        return self.answer(jobs.INGEST, {"imports": [{"dataset": dataset, "rows": 88}]})

    def train(self, version: int, gate: str | None = None) -> dict[str, Any]:
        result = {"version": version, "gate": gate, "metrics": {"validation_mse": 0.02}}
        return self.answer(jobs.TRAIN, result)

    def gate(self, version: int, *, accepted: bool) -> dict[str, Any]:
        verdict = {"version": version, "accepted": accepted, "why": "so", "against": 1}
        return self.answer(jobs.GATE, {"gate": verdict})

    def queue_gate(self, version: int) -> str:
        return jobs.enqueue(jobs.GATE, self.redis, str(version), {"version": version})
