import json
import zlib

import pytest
from redis import Redis
from rq import Queue
from rq.job import Job, JobStatus
from rq.results import Result
from rq.serializers import JSONSerializer

from contract.errors import JobError
from contract.jobs import queue


def test_the_id_of_a_job_is_readable(redis: Redis) -> None:
    job = queue.enqueue(queue.INGEST, redis, "Track 1 (Lake).zip", {"source": "/a"})
    assert job.startswith("ingest-track-1-lake-zip-")
    view = queue.view(job, redis)
    assert (view.status, view.queue, view.arguments) == ("queued", "ingest", {"source": "/a"})


def test_a_job_is_json_with_a_timeout_and_retries(redis: Redis) -> None:
    job = Job.fetch(
        queue.enqueue(queue.TRAIN, redis, "lake", {"seed": 1}), redis, serializer=JSONSerializer
    )
    assert job.func_name == "trainer.jobs.train.run"
    assert job.timeout == queue.JOB_TYPES[queue.TRAIN].timeout_s
    assert job.retries_left == queue.JOB_TYPES[queue.TRAIN].retries
    raw = redis.hget(job.key, "data")
    assert isinstance(raw, bytes)
    assert json.loads(zlib.decompress(raw))[3] == {"seed": 1}


def test_a_model_file_is_imported_by_the_trainers_worker(redis: Redis) -> None:
    job_id = queue.enqueue(queue.IMPORT, redis, "model.h5", {"source": "/a"})
    assert job_id.startswith("import-model-h5-")
    job = Job.fetch(job_id, redis, serializer=JSONSerializer)
    assert (job.func_name, job.origin) == ("trainer.jobs.import_model.run", queue.TRAIN)
    assert job.retries_left < queue.JOB_TYPES[queue.TRAIN].retries
    assert [view.id for view in queue.views(redis)] == [job_id]


def test_a_version_is_explained_by_the_trainers_worker(redis: Redis) -> None:
    job_id = queue.enqueue(queue.EXPLAIN, redis, "3", {"version": 3})
    job = Job.fetch(job_id, redis, serializer=JSONSerializer)
    assert (job.func_name, job.origin) == ("trainer.jobs.explain.run", queue.TRAIN)
    assert queue.JOB_TYPES[queue.EXPLAIN].on_stopped == "trainer.jobs.cleanup.discard"


def test_versions_are_evaluated_by_the_evaluators_worker(redis: Redis) -> None:
    for job_type, module in ((queue.GATE, "gate"), (queue.EVALUATE, "evaluate")):
        job_id = queue.enqueue(job_type, redis, "3", {"version": 3})
        job = Job.fetch(job_id, redis, serializer=JSONSerializer)
        assert (job.func_name, job.origin) == (
            f"evaluator.jobs.{module}.run",
            queue.EVALUATION,
        )


def test_a_follow_up_is_queued_once_and_named_after_its_job(
    redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """This holds if the job is run again while the follow-up waits, and after it has ended."""
    job_id = queue.enqueue(queue.TRAIN, redis, "lake", {})
    job = Job.fetch(job_id, redis, serializer=JSONSerializer)
    monkeypatch.setattr(queue, "get_current_job", lambda: job)
    ids = [queue.enqueue_follow_up(queue.GATE, "7", {"version": 7}) for _ in range(2)]
    assert ids == [f"gate-7-{job_id.rsplit('-', 1)[-1]}"] * 2
    assert queue.queue(queue.EVALUATION, redis).get_job_ids() == ids[:1]
    queue.cancel(ids[0], redis)
    assert queue.enqueue_follow_up(queue.GATE, "7", {"version": 7}) == ids[0]
    assert queue.view(ids[0], redis).status == "canceled"
    assert queue.view(ids[0], redis).arguments == {"version": 7}


def test_outside_a_job_no_follow_up_is_queued() -> None:
    with pytest.raises(JobError, match="this process runs no job"):
        queue.enqueue_follow_up(queue.GATE, "7", {"version": 7})


def test_jobs_are_listed_newest_first_with_those_that_ended(redis: Redis) -> None:
    first = queue.enqueue(queue.INGEST, redis, "a", {})
    second = queue.enqueue(queue.TRAIN, redis, "b", {})
    queue.cancel(first, redis)
    assert {view.id: view.status for view in queue.views(redis)} == {
        first: "canceled",
        second: "queued",
    }


def test_a_job_that_a_worker_takes_at_this_moment_is_listed(redis: Redis) -> None:
    job_id = queue.enqueue(queue.INGEST, redis, "lake", {"source": "/inbox/lake"})
    waiting = queue.queue(queue.INGEST, redis)
    redis.lmove(waiting.key, waiting.intermediate_queue.key)
    assert [view.id for view in queue.views(redis)] == [job_id]


def test_jobs_of_other_programs_are_not_listed(redis: Redis) -> None:
    Queue("mail", connection=redis).enqueue_call("mail.send", job_id="somebody-elses")
    assert queue.views(redis) == []


def test_a_queued_job_can_be_cancelled_once(redis: Redis) -> None:
    job = queue.enqueue(queue.TRAIN, redis, "lake", {})
    assert queue.cancel(job, redis).status == "canceled"
    assert len(queue.queue(queue.TRAIN, redis)) == 0
    with pytest.raises(JobError, match="the job has ended already"):
        queue.cancel(job, redis)


def test_a_job_that_ends_while_it_is_read_has_its_reason(
    redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    job_id = queue.enqueue(queue.INGEST, redis, "a", {})
    original = Job.latest_result

    def fail_after_reading(job: Job) -> Result | None:
        result = original(job)
        with redis.pipeline() as pipeline:  # RQ's worker does this in the same way
            job.set_status(JobStatus.FAILED, pipeline=pipeline)
            Result.create_failure(job, 60, "ValueError: no rows", pipeline=pipeline)
            pipeline.execute()
        return result

    monkeypatch.setattr(Job, "latest_result", fail_after_reading)
    views = [queue.view(job_id, redis) for _ in range(2)]
    assert [(view.status, view.error) for view in views] == [
        ("queued", ""),
        ("failed", "ValueError: no rows"),
    ]


def test_a_job_that_does_not_exist_is_refused(redis: Redis) -> None:
    with pytest.raises(JobError, match="no such job: got train-x"):
        queue.view("train-x", redis)


def test_a_redis_that_does_not_answer_raises_an_error() -> None:
    with pytest.raises(JobError, match=r"Redis does not answer at redis://127\.0\.0\.1:1/0"):
        queue.connect("redis://127.0.0.1:1/0")


def test_outside_a_job_there_is_no_current_job() -> None:
    with pytest.raises(JobError, match="this process runs no job"):
        queue.current_job()


def test_a_redis_that_does_not_answer_is_told_without_its_password() -> None:
    with pytest.raises(JobError) as caught:
        queue.connect("redis://:s3cret@127.0.0.1:1/0")
    assert str(caught.value).startswith("Redis does not answer at redis://:***@127.0.0.1:1/0: got")
    assert "s3cret" not in str(caught.value)
