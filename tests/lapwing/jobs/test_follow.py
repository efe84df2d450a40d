import json
import threading
from pathlib import Path
from typing import Any

import pytest
from redis import Redis
from rich.console import Console
from support.services.workers import Workers

from contract.errors import JobError
from contract.jobs import queue
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
        follow(job, redis, Console(quiet=True))
    timer.join()


def test_a_failed_job_says_why_and_where_its_log_is(redis: Redis) -> None:
    job = queue.enqueue(queue.TRAIN, redis, "lake", {})
    workers = Workers(redis)
    workers.fail(workers.begin(queue.TRAIN), "contract.errors.ModelError: it is damaged.")
    message = rf"the job {job} failed: got it is damaged\. `lapwing logs trainer` shows"
    with pytest.raises(JobError, match=message):
        follow(job, redis, Console(quiet=True))


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
