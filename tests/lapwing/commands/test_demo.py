from pathlib import Path

import pytest
from redis import Redis
from support.services.workers import Workers

from contract.jobs import queue
from lapwing.commands.demo import cancel_left, demo_folder


def test_jobs_of_an_interrupted_demonstration_are_canceled(redis: Redis) -> None:
    done = queue.enqueue(queue.INGEST, redis, "lake", {"source": "/lake"})
    Workers(redis).answer(queue.INGEST, {"imports": []})
    left = [queue.enqueue(queue.TRAIN, redis, "lake", {}) for _ in range(2)]
    cancel_left(redis)
    states = {job.id: job.status for job in queue.views(redis)}
    assert states == {done: "finished", **dict.fromkeys(left, "canceled")}
    assert queue.queue("train", redis).is_empty()


@pytest.mark.parametrize(
    ("recording", "expected"),
    [
        (None, "demo"),
        (Path("/recordings/Track 1 (Lake).zip"), "demo-track-1-lake-zip"),
        (Path("/recordings/lake/"), "demo-lake"),
        (Path("/recordings/???"), "demo-recording"),
    ],
)
def test_each_recording_has_a_folder_of_its_own(recording: Path | None, expected: str) -> None:
    assert demo_folder(recording) == expected
