"""Kills and stops processes of a running Lapwing: no results are lost and no processes are left."""

import os
import signal
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from support.data import candidates, samples
from support.services import orphans, running
from support.services.running import Lapwing

from contract.models.registry import Registry


@pytest.fixture(scope="module")
def lapwing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lapwing]:
    """Yield a running Lapwing that has imported a recording."""
    folder = tmp_path_factory.mktemp("killed")
    samples.recording(folder / "run", rows=120)
    # Each training starts a gate, whose default drives take minutes.
    gate = {"LAPWING_GATE_TRACK": str(candidates.road(folder)), "LAPWING_GATE_PAIRS": "8"}
    with running.up(folder / "home", **gate) as lapwing:
        lapwing.ask("ingest", str(folder / "run"), "--wait")
        yield lapwing


def test_a_service_that_dies_is_restarted_with_a_message(lapwing: Lapwing) -> None:
    victim = next(
        int(line.split(":")[0])
        for line in running.processes(str(lapwing.home))
        if "-m inference" in line
    )
    os.kill(victim, signal.SIGKILL)
    lapwing.await_line("ended with status -9")
    deadline = time.monotonic() + 120
    while True:
        try:
            if httpx.get(f"http://127.0.0.1:{lapwing.inference_port}/healthz").status_code == 200:
                return
        except httpx.TransportError:
            pass  # inference is not ready yet
        assert time.monotonic() < deadline, "inference was not restarted in time"
        time.sleep(0.1)


def test_a_running_training_can_be_cancelled(lapwing: Lapwing) -> None:
    (queued,) = lapwing.ask("train", "run", "--epochs", "500", "--patience", "500", "--no-wait")
    await_epoch(lapwing, queued["id"], 1)
    began = time.monotonic()
    assert lapwing.ask("cancel", queued["id"])["status"] == "stopped"
    assert time.monotonic() - began < 10
    deadline = time.monotonic() + 5
    while running.of_job(queued["id"]) or list((lapwing.home / "models" / ".jobs").iterdir()):
        assert time.monotonic() < deadline, "processes or files of the job are left"
        time.sleep(0.05)


def test_a_training_whose_worker_was_killed_resumes_and_publishes_once(lapwing: Lapwing) -> None:
    before = Registry(lapwing.home / "models").versions()
    unused = orphans.shared_memory()
    (queued,) = lapwing.ask("train", "run", "--epochs", "30", "--patience", "30", "--no-wait")
    await_epoch(lapwing, queued["id"], 2)
    worker = next(
        int(line.split(":")[0])
        for line in running.processes(str(lapwing.home))
        if "-m trainer" in line
    )
    for process in [worker, *running.of_job(queued["id"])]:
        try:
            os.kill(process, signal.SIGKILL)
        except ProcessLookupError:
            continue  # the process died with its parent
    deadline = time.monotonic() + 5
    while running.of_job(queued["id"]):
        assert time.monotonic() < deadline, "a process of the killed job still runs"
        time.sleep(0.05)
    deadline = time.monotonic() + 600
    while job(lapwing, queued["id"])["status"] != "finished":
        assert time.monotonic() < deadline, job(lapwing, queued["id"])
        time.sleep(1)
    lapwing.await_line("resumed after epoch")
    after = Registry(lapwing.home / "models").versions()
    assert after == [*before, len(before) + 1]
    history = Registry(lapwing.home / "models").manifest(after[-1]).history
    assert [entry["epoch"] for entry in history] == list(range(1, 31))
    assert list((lapwing.home / "models" / ".jobs").iterdir()) == []
    assert orphans.shared_memory() <= unused


def test_a_training_whose_reader_was_killed_is_retried_automatically(lapwing: Lapwing) -> None:
    (queued,) = lapwing.ask("train", "run", "--epochs", "20", "--patience", "20", "--no-wait")
    await_epoch(lapwing, queued["id"], 1)
    reader = next(
        int(line.split(":")[0])
        for line in running.processes(f"RQ_JOB_ID={queued['id']}")
        if "spawn_main" in line
    )
    os.kill(reader, signal.SIGKILL)
    deadline = time.monotonic() + 600
    while job(lapwing, queued["id"])["status"] != "finished":
        assert time.monotonic() < deadline, job(lapwing, queued["id"])
        time.sleep(0.5)
    lapwing.await_line("reader 0 died: got exit code -9")
    history = job(lapwing, queued["id"])["result"]["history"]
    assert [entry["epoch"] for entry in history] == list(range(1, 21))


def job(lapwing: Lapwing, job_id: str) -> dict[str, Any]:
    view: dict[str, Any] = next(view for view in lapwing.ask("jobs") if view["id"] == job_id)
    return view


def await_epoch(lapwing: Lapwing, job_id: str, epoch: int) -> None:
    """Wait until a training reports a later epoch than `epoch`."""
    deadline = time.monotonic() + 600
    while int(job(lapwing, job_id)["progress"].get("epoch", 0)) <= epoch:
        assert time.monotonic() < deadline, job(lapwing, job_id)
        time.sleep(0.1)
