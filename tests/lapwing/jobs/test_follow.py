import json
import threading
from pathlib import Path
from typing import Any

import pytest
import typer
from redis import Redis
from support.services.workers import Workers

from contract.errors import JobError, RecordingError
from contract.jobs import queue
from contract.printing import TextConsole
from lapwing.jobs.follow import finish, follow, run_job


@pytest.fixture
def home(monkeypatch: pytest.MonkeyPatch, redis: Redis, redis_socket: Path) -> Workers:
    """Point the command line to the Redis of the test, and return its workers."""
    monkeypatch.setenv("LAPWING_REDIS_URL", f"unix://{redis_socket}")
    return Workers(redis)


def test_a_canceled_job_ends_the_waiting_with_an_error(redis: Redis) -> None:
    job = queue.enqueue(queue.TRAIN, redis, "lake", {})
    timer = threading.Timer(0.3, lambda: queue.cancel(job, redis))
    timer.start()
    with pytest.raises(JobError, match=f"the job {job} was canceled"):
        follow(job, redis, TextConsole(quiet=True))
    timer.join()


def test_a_failed_job_says_why_and_where_its_log_is(redis: Redis) -> None:
    job = queue.enqueue(queue.TRAIN, redis, "lake", {})
    workers = Workers(redis)
    workers.fail(workers.begin(queue.TRAIN), "contract.errors.ModelError: it is damaged.")
    message = rf"the job {job} failed: got it is damaged\. `lapwing logs trainer` shows"
    with pytest.raises(JobError, match=message):
        follow(job, redis, TextConsole(quiet=True))


def test_the_result_of_a_job_is_waited_for_on_request(home: Workers) -> None:
    thread = threading.Thread(target=home.answer, args=(queue.REPORT, {"report": {"html": "r"}}))
    thread.start()
    result = run_job(queue.REPORT, "1", {"version": 1}, wait=True, as_json=True)
    thread.join()
    assert result == {"report": {"html": "r"}}


def test_without_waiting_the_queued_job_is_named(
    home: Workers, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_job(queue.REPORT, "1", {"version": 1}, wait=False, as_json=False) is None
    [view] = queue.views(home.redis)
    assert capsys.readouterr().out == f"queued {view.id}: `lapwing jobs` shows it\n"


def test_the_gate_that_a_training_queued_is_waited_for_as_well(
    home: Workers, capsys: pytest.CaptureFixture[str]
) -> None:
    training = queue.enqueue(queue.TRAIN, home.redis, "lake", {})
    gate = home.queue_gate(2)
    results: list[dict[str, Any]] = []

    def work() -> None:
        results.append(home.train(2, gate))
        results.append(home.gate(2, accepted=True))

    thread = threading.Thread(target=work)
    thread.start()
    finish([training], home.redis, wait=True, as_json=True)
    thread.join()
    printed = json.loads(capsys.readouterr().out)
    assert list(printed) == [training, gate]
    assert printed[training]["version"] == 2
    assert printed[gate]["gate"]["accepted"] is True


IMPORTED = {
    "dataset": "good-01234567",
    "skipped": False,
    "rows": 9,
    "frames": 27,
    "rejected": 2,
    "file_bytes": 1_000_000,
    "seconds": 1.0,
    "rows_per_s": 9.0,
    "report": {
        "reasons": {"left: image is missing": 2},
        "rejections": [{"line": 4, "field": "left", "reason": "image is missing", "got": "l.jpg"}],
        "notes": ["decimal comma: numbers were rejoined by their ranges"],
    },
}


def test_a_failed_job_does_not_keep_the_results_of_the_others_back(
    home: Workers, capsys: pytest.CaptureFixture[str]
) -> None:
    bad, good = (queue.enqueue(queue.INGEST, home.redis, name, {}) for name in ("bad", "good"))
    home.fail(home.begin(queue.INGEST), "contract.errors.RecordingError: it is empty.")
    failed = {"recording": "good-b", "error": "the driving log is empty."}
    home.answer(queue.INGEST, {"imports": [IMPORTED], "failed": [failed]})
    nowhere = RecordingError("there is no such recording", got="nowhere")
    with pytest.raises(typer.Exit) as caught:
        finish([bad, good], home.redis, wait=True, as_json=False, errors=[nowhere])
    assert caught.value.exit_code == 1
    out, err = capsys.readouterr()
    assert "good-01234567" in out
    assert "rejected: left: image is missing, 2 rows, such as line 4 (l.jpg)" in out
    assert "note: decimal comma: numbers were rejoined by their ranges" in out
    assert [line.split(":")[1].strip() for line in err.splitlines()] == [
        "there is no such recording",
        f"the job {bad} failed",
        "good-b was not imported",
    ]


def test_json_has_the_results_and_the_errors_of_all_jobs(
    home: Workers, capsys: pytest.CaptureFixture[str]
) -> None:
    bad, good = (queue.enqueue(queue.INGEST, home.redis, name, {}) for name in ("bad", "good"))
    home.fail(home.begin(queue.INGEST), "contract.errors.RecordingError: it is empty.")
    home.answer(queue.INGEST, {"imports": [IMPORTED], "failed": []})
    with pytest.raises(typer.Exit):
        finish([bad, good], home.redis, wait=True, as_json=True)
    printed = json.loads(capsys.readouterr().out)
    assert "it is empty" in printed[bad]["error"]
    assert printed[good]["imports"] == [IMPORTED]


def test_what_could_not_be_queued_is_told_without_waiting(
    home: Workers, capsys: pytest.CaptureFixture[str]
) -> None:
    nowhere = RecordingError("there is no such recording", got="nowhere")
    with pytest.raises(RecordingError, match="nowhere"):
        finish([], home.redis, wait=False, as_json=False, errors=[nowhere])
    job = queue.enqueue(queue.INGEST, home.redis, "good", {})
    with pytest.raises(typer.Exit):
        finish([job], home.redis, wait=False, as_json=False, errors=[nowhere])
    out, err = capsys.readouterr()
    assert f"queued {job}" in out
    assert "nowhere" in err
