from typing import Any

import pytest

from contract.jobs.queue import JobView
from lapwing.output.progress import describe_error, describe_progress, fraction_done


def view(status: str, error: str = "", **progress: Any) -> JobView:
    return JobView("train-1", "train", status, progress, None, error, "", {})


def test_the_progress_of_a_training_is_described() -> None:
    text = describe_progress(
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
    assert text == "train · epoch 2/9 · loss 0.0123 · val 0.0200 · 988 samples/s · ≤ 12 s left"


def test_a_later_phase_does_not_repeat_the_figures_of_an_earlier_one() -> None:
    text = describe_progress(view("started", phase="publish", epoch=2, epochs=9, loss=0.01))
    assert text == "publish"


def test_a_job_without_progress_is_starting() -> None:
    assert describe_progress(view("started")) == "starting"
    assert describe_progress(view("queued")) == "queued"


def test_the_progress_of_a_gate_names_the_version_that_drives() -> None:
    text = describe_progress(view("started", phase="drive", version=3, drives=4, drives_total=12))
    assert text == "drive · version 3 · 4 of 12"
    text = describe_progress(view("started", phase="replay", version=3))
    assert text == "replay · version 3 · 0 of ?"


def test_the_progress_of_drives_names_the_nodes_of_a_cluster() -> None:
    drives: dict[str, Any] = {"phase": "drive", "version": 3, "drives": 4, "drives_total": 12}
    text = describe_progress(view("started", **drives, nodes={"n2": 1, "n1": 3}))
    assert text == "drive · version 3 · 4 of 12 · on n1 (3), n2 (1)"
    text = describe_progress(view("started", **drives, nodes=dict.fromkeys("abcde", 1)))
    assert text == "drive · version 3 · 4 of 12 · on 5 nodes"
    replay = drives | {"phase": "replay"}
    assert "n1" not in describe_progress(view("started", **replay, nodes={"n1": 3}))


@pytest.mark.parametrize(
    ("progress", "fraction"),
    [
        ({}, None),
        ({"epoch": 3, "epochs": 4, "step": 5, "steps": 10}, 2.5 / 4),
        ({"rows_done": 30, "rows_total": 40}, 0.75),
        ({"drives": 3, "drives_total": 12}, 0.25),
        ({"drives_total": 12}, 0.0),
    ],
)
def test_the_fraction_done_follows_from_the_progress(
    progress: dict[str, Any], fraction: float | None
) -> None:
    assert fraction_done(progress) == fraction


def test_an_error_of_lapwing_is_shown_without_its_class() -> None:
    assert describe_error(view("failed", "contract.errors.JobError: it failed.")) == "it failed."
    assert describe_error(view("failed", "ValueError: it failed.")) == "ValueError: it failed."


def test_the_progress_of_a_shadow_drive_is_the_share_of_its_time() -> None:
    job = view("started", phase="shadow", seconds=15.0, seconds_total=60.0)
    assert fraction_done(job.progress) == 0.25
    assert describe_progress(job) == "shadow"


def test_the_progress_of_a_simulated_lap_is_its_rows() -> None:
    """At the start, it is not known how many rows the lap will have."""
    rows = {"rows_done": 30, "rows_total": 40, "rows_per_s": 12.4, "eta_s": 0.8}
    job = view("started", phase="record", **rows)
    assert describe_progress(job) == "record · 12 rows/s · ≤ 1 s left"
    assert fraction_done(job.progress) == 0.75
    first = view("started", phase="record", rows_done=1, rows_total=None, eta_s=None)
    assert describe_progress(first) == "record"
    assert fraction_done(first.progress) is None
