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


def test_names_and_errors_of_strangers_are_text() -> None:
    hostile = "a column [/x] :smile: [red] \x1b[2J"
    text = printed([job("ingest-[/red]-1", "failed", f"contract.errors.RecordingError: {hostile}")])
    assert "ingest-[/red]-1: a column [/x] :smile: [red] \\x1b[2J\n" in text
    assert "\x1b" not in text


def test_the_name_of_a_job_is_never_cut() -> None:
    name = "train-" + "a-long-recording-" * 8 + "1a2b3c4d"
    text = printed([job(name, "started", phase="train", epoch=2, epochs=9, loss=0.1, eta_s=90)])
    assert name in text
    assert "90 s left" in text


def test_the_name_of_a_dataset_is_never_cut() -> None:
    file = io.StringIO()
    name = "a-long-recording-" * 8 + "1a2b3c4d"
    report: dict[str, Any] = {"reasons": {}, "rejections": [], "notes": ["a [/note]"]}
    result = {
        "dataset": name,
        "rows": 1,
        "rejected": 0,
        "frames": 3,
        "file_bytes": 1,
        "rows_per_s": 1.0,
        "skipped": False,
        "report": report,
    }
    tables.print_imports(TextConsole(width=80, file=file), [result])
    assert file.getvalue().count(name) == 2
    assert f"{name}: note: a [/note]" in file.getvalue()


def test_a_training_tells_the_rows_that_were_unfit() -> None:
    file = io.StringIO()
    result: dict[str, Any] = {
        "version": 3,
        "metrics": {
            "train_samples": 10.0,
            "epochs": 2.0,
            "best_epoch": 1.0,
            "train_mse": 0.01,
            "validation_mse": 0.02,
            "validation_mse_zero": 0.03,
            "validation_mse_hold": 0.04,
            "validation_correlation": 0.5,
        },
        "verdict": "",
        "quarantined": {},
        "sha256": {},
    }
    tables.print_training(TextConsole(width=80, file=file), result)
    assert "unfit" not in file.getvalue()
    unfit = {"lake-2-ae3eaed3": {"standing": 230, "swinging": 90}}
    tables.print_training(TextConsole(width=80, file=file), result | {"unfit": unfit})
    line = next(line for line in file.getvalue().splitlines() if "unfit" in line)
    assert "lake-2-ae3eaed3" in line
    assert "320 rows (230 standing, 90 swinging)" in line


def test_a_training_tells_how_well_the_speed_was_learned() -> None:
    metrics = {"validation_speed_rmse_mph": 1.234, "validation_speed_rmse_mean_mph": 4.5}
    assert tables.format_speed_rmse(metrics) == "1.23 / 4.50 mph"
