"""Processes of a running Lapwing that die or are told to stop: nothing is lost, nothing stays."""

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from support.data import candidates, samples
from support.services import running
from support.services.running import Lapwing

from contract.models.registry import Registry


@pytest.fixture(scope="module")
def lapwing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lapwing]:
    """A running Lapwing that has imported a recording."""
    folder = tmp_path_factory.mktemp("killed")
    samples.recording(folder / "run", rows=120)
    # Trainings ask the gate, whose own courses take minutes.
    gate = {"LAPWING_GATE_TRACK": str(candidates.road(folder)), "LAPWING_GATE_STARTS": "4"}
    with running.up(folder / "home", **gate) as lapwing:
        lapwing.ask("ingest", str(folder / "run"), "--wait")
        yield lapwing


def test_a_service_that_dies_is_started_again_and_said_so(lapwing: Lapwing) -> None:
    victim = next(
        int(line.split(":")[0])
        for line in running.processes(str(lapwing.home))
        if "-m inference" in line
    )
    os.kill(victim, signal.SIGKILL)
    lapwing.await_line("ended with status -9")
    deadline = time.monotonic() + 30
    while True:
        try:
            if httpx.get(f"http://127.0.0.1:{lapwing.inference_port}/healthz").status_code == 200:
                return
        except httpx.TransportError:
            pass  # it is not back yet
        assert time.monotonic() < deadline, "inference did not come back"
        time.sleep(0.1)


def test_a_running_training_can_be_cancelled(lapwing: Lapwing) -> None:
    (queued,) = lapwing.ask("train", "run", "--epochs", "500", "--patience", "500", "--no-wait")
    await_epoch(lapwing, queued["id"], 1)
    began = time.monotonic()
    assert lapwing.ask("cancel", queued["id"])["status"] == "stopped"
    assert time.monotonic() - began < 10
    deadline = time.monotonic() + 5
    while running.of_job(queued["id"]) or list((lapwing.home / "models" / ".jobs").iterdir()):
        assert time.monotonic() < deadline, "something of the job is left"
        time.sleep(0.05)


def test_a_training_whose_worker_was_killed_goes_on_and_publishes_once(lapwing: Lapwing) -> None:
    before = Registry(lapwing.home / "models").versions()
    shared_memory = set(Path("/dev/shm").iterdir())
    (queued,) = lapwing.ask("train", "run", "--epochs", "60", "--patience", "60", "--no-wait")
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
            continue  # it died with its parent
    deadline = time.monotonic() + 5
    while running.of_job(queued["id"]):
        assert time.monotonic() < deadline, "a process of the killed job lives on"
        time.sleep(0.05)
    deadline = time.monotonic() + 240
    while job(lapwing, queued["id"])["status"] != "finished":
        assert time.monotonic() < deadline, job(lapwing, queued["id"])
        time.sleep(1)
    lapwing.await_line("resumed after epoch")
    after = Registry(lapwing.home / "models").versions()
    assert after == [*before, len(before) + 1]
    history = Registry(lapwing.home / "models").manifest(after[-1]).history
    assert [each["epoch"] for each in history] == list(range(1, 61))
    assert list((lapwing.home / "models" / ".jobs").iterdir()) == []
    assert set(Path("/dev/shm").iterdir()) <= shared_memory


def test_a_training_whose_reader_was_killed_is_taken_up_again_by_itself(lapwing: Lapwing) -> None:
    (queued,) = lapwing.ask("train", "run", "--epochs", "40", "--patience", "40", "--no-wait")
    await_epoch(lapwing, queued["id"], 1)
    reader = next(
        int(line.split(":")[0])
        for line in running.processes(f"RQ_JOB_ID={queued['id']}")
        if "spawn_main" in line
    )
    os.kill(reader, signal.SIGKILL)
    deadline = time.monotonic() + 120
    while job(lapwing, queued["id"])["status"] != "finished":
        assert time.monotonic() < deadline, job(lapwing, queued["id"])
        time.sleep(0.5)
    lapwing.await_line("reader 0 died: got exit code -9")
    history = job(lapwing, queued["id"])["result"]["history"]
    assert [each["epoch"] for each in history] == list(range(1, 41))


def job(lapwing: Lapwing, job_id: str) -> dict[str, Any]:
    found: dict[str, Any] = next(each for each in lapwing.ask("jobs") if each["id"] == job_id)
    return found


def await_epoch(lapwing: Lapwing, job_id: str, epoch: int) -> None:
    """Wait until a training reports that it is in an epoch later than `epoch`."""
    deadline = time.monotonic() + 90
    while int(job(lapwing, job_id)["progress"].get("epoch", 0)) <= epoch:
        assert time.monotonic() < deadline, job(lapwing, job_id)
        time.sleep(0.1)
