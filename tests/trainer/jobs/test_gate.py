from pathlib import Path

import pytest
from redis import Redis
from rq.job import Job
from rq.serializers import JSONSerializer
from support.data.versions import publish_one

from contract.errors import JobError
from contract.jobs import queue
from contract.models.registry import Registry
from trainer.jobs.gate import enqueue_gate


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    made = Registry(tmp_path)
    publish_one(made, "one")
    publish_one(made, "two")
    return made


@pytest.fixture
def training(redis: Redis, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return the id of a training job that RQ takes to run in this process."""
    job_id = queue.enqueue(queue.TRAIN, redis, "lake", {})
    job = Job.fetch(job_id, redis, serializer=JSONSerializer)
    monkeypatch.setattr(queue, "get_current_job", lambda: job)
    return job_id


def test_the_gate_is_queued_for_a_candidate(
    registry: Registry, redis: Redis, training: str
) -> None:
    asked = enqueue_gate(registry, 2)
    assert asked is not None
    assert asked == f"gate-2-{training.rsplit('-', 1)[-1]}"
    view = queue.view(asked, redis)
    assert (view.status, view.queue, view.arguments) == ("queued", "evaluate", {"version": 2})
    assert registry.current() == 1


def test_a_version_that_drives_already_needs_no_gate(
    registry: Registry, redis: Redis, training: str
) -> None:
    assert enqueue_gate(registry, 1) is None
    assert [view.id for view in queue.views(redis)] == [training]


def test_a_training_that_runs_again_queues_the_gate_once(
    registry: Registry, redis: Redis, training: str
) -> None:
    assert enqueue_gate(registry, 2) == enqueue_gate(registry, 2)
    assert len(queue.queue(queue.EVALUATION, redis)) == 1


def test_outside_a_job_the_gate_cannot_be_queued(registry: Registry) -> None:
    with pytest.raises(JobError, match="this process runs no job"):
        enqueue_gate(registry, 2)
