"""Tests of the tables that no other test prints."""

import io
from typing import Any

from contract.jobs.queue import JobView
from contract.printing import TextConsole
from lapwing.output import tables


def job(name: str, status: str, error: str = "", **progress: Any) -> JobView:
    return JobView(name, "train", status, progress, None, error, "2026-01-02T03:04:05", {})


def printed(views: list[JobView]) -> str:
    file = io.StringIO()
    tables.print_jobs(TextConsole(width=80, file=file), views)
    return file.getvalue()


def test_a_job_is_a_line_with_its_status_and_progress() -> None:
    text = printed([job("train-all-1", "started", phase="train", epoch=2, epochs=9)])
    assert text.splitlines()[1].split() == [
        "train-all-1",
        "started",
        "2026-01-02T03:04:05",
        "train",
        "·",
        "epoch",
        "2/9",
    ]


def test_the_reason_of_a_failure_stands_in_full_below_the_jobs() -> None:
    reason = (
        "the job names a function that Lapwing does not queue: got trainer.job.run. "
        "It was queued by another release, so queue it again [with this one]."
    )
    text = printed(
        [
            job("train-all-2", "failed", f"contract.errors.JobError: {reason}"),
            job("train-all-1", "finished"),
        ]
    )
    table, _, reasons = text.partition("\n\n")
    assert len(table.splitlines()) == 3
    assert reasons == f"train-all-2: {reason}\n"


def test_without_jobs_a_command_that_queues_one_is_named() -> None:
    assert printed([]) == "There are no jobs. `lapwing ingest PATH` queues one.\n"


def test_an_undefined_correlation_is_a_dash() -> None:
    assert tables.format_correlation({"validation_correlation": 0.98765}) == "0.988"
    assert tables.format_correlation({"validation_correlation": None}) == "–"
