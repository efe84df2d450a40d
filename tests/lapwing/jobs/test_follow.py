import threading
from typing import Any

import pytest
from redis import Redis
from rich.console import Console

from contract.errors import JobError
from contract.jobs import queue
from contract.jobs.queue import JobView
from lapwing.jobs.follow import describe, done, follow


def view(status: str, **progress: Any) -> JobView:
    return JobView("train-1", "train", status, progress, None, "", "", {})


def test_a_training_says_where_it_stands() -> None:
    said = describe(
        view(
            "started",
            phase="train",
            epoch=2,
            epochs=9,
            loss=0.01234,
            validation_mse=0.02,
            samples_per_s=987.6,
            eta_s=12,
        )
    )
    assert said == "train · epoch 2/9 · loss 0.0123 · val 0.0200 · 988 samples/s · ≤ 12 s left"


def test_a_later_phase_does_not_repeat_what_the_one_before_told() -> None:
    assert describe(view("started", phase="publish", epoch=2, epochs=9, loss=0.01)) == "publish"


def test_a_job_that_has_told_nothing_is_starting() -> None:
    assert describe(view("started")) == "starting"
    assert describe(view("queued")) == "queued"


def test_a_gate_says_which_version_drives() -> None:
    said = describe(view("started", phase="drive", version=3, drives=4, drives_total=12))
    assert said == "drive · version 3 · 4 of 12"
    assert describe(view("started", phase="replay", version=3)) == "replay · version 3 · 0 of ?"


@pytest.mark.parametrize(
    ("progress", "share"),
    [
        ({}, None),
        ({"epoch": 3, "epochs": 4, "step": 5, "steps": 10}, 2.5 / 4),
        ({"rows_done": 30, "rows_total": 40}, 0.75),
        ({"drives": 3, "drives_total": 12}, 0.25),
        ({"drives_total": 12}, 0.0),
    ],
)
def test_how_much_is_done(progress: dict[str, Any], share: float | None) -> None:
    assert done(progress) == share


def test_a_cancelled_job_ends_the_waiting_with_an_error(redis: Redis) -> None:
    job = queue.enqueue(queue.TRAIN, redis, "lake", {})
    timer = threading.Timer(0.3, lambda: queue.cancel(job, redis))
    timer.start()
    with pytest.raises(JobError, match=f"the job {job} canceled"):
        follow(job, redis, Console(quiet=True))
    timer.join()
