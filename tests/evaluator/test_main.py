"""Runs the real worker and asks it by the command line."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from redis import Redis
from support.data import candidates
from support.data.candidates import Driven
from support.services import running
from support.services.running import Lapwing

from contract.jobs import queue
from contract.models.registry import Registry
from evaluator.closed_loop import rollouts

WAIT_S = 120.0


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    return Registry(tmp_path / "models")


@contextmanager
def worker(home: Path, redis_socket: Path, driven: Driven) -> Iterator[Lapwing]:
    """Run `python -m evaluator` and yield the command line that reaches it."""
    lapwing = Lapwing(home)
    environ = {
        "LAPWING_REDIS_URL": f"unix://{redis_socket}",
        "LAPWING_DATA_DIR": str(home / "data"),
        "LAPWING_MODEL_DIR": str(home / "models"),
        "LAPWING_GATE_TRACK": str(driven.track),
        "LAPWING_GATE_PAIRS": str(candidates.PAIRS),
        "LAPWING_EVALUATION_DRIVERS": "2",
    }
    lapwing.settings |= environ
    process = subprocess.Popen([sys.executable, "-m", "evaluator"], env={**os.environ, **environ})
    try:
        yield lapwing
        process.terminate()
        assert process.wait(WAIT_S) == 0
    finally:
        process.kill()
        process.wait()


def test_promote_shows_the_decision_of_the_gate(
    tmp_path: Path, registry: Registry, driven: Driven, redis: Redis, redis_socket: Path
) -> None:
    driven.publish(registry, "straight", "one")
    driven.publish(registry, "left", "two")
    driven.publish(registry, "straight", "three")
    with worker(tmp_path, redis_socket, driven) as lapwing:
        refused = lapwing.command("promote", "2", "--wait", timeout_s=WAIT_S)
        assert refused.returncode == 1, refused.stderr
        assert "gate: version 2 refused against version 1" in refused.stdout
        accepted = lapwing.command("promote", "3", "--wait", "--json", timeout_s=WAIT_S)
        assert accepted.returncode == 0, accepted.stderr
        gate = json.loads(accepted.stdout)["gate"]
        assert (gate["version"], gate["against"], gate["accepted"]) == (3, 1, True)
    assert registry.current() == 3


def test_a_cancelled_evaluation_leaves_no_process(
    tmp_path: Path, registry: Registry, driven: Driven, redis: Redis, redis_socket: Path
) -> None:
    driven.publish(registry, "straight", "one")
    with worker(tmp_path, redis_socket, driven):
        arguments = {"version": 1, "track": str(driven.track), "starts": 100, "laps": 0.25}
        job = queue.enqueue(queue.EVALUATE, redis, "1", arguments)
        kept = rollouts.evaluations_folder(registry, 1) / "drives"
        deadline = time.monotonic() + WAIT_S
        while not list(kept.glob("*/clear/0.25-1/[!.]*.json")):
            assert time.monotonic() < deadline, queue.view(job, redis)
            time.sleep(0.1)
        assert len(running.of_job(job)) >= 3  # the job and two drivers
        assert queue.cancel(job, redis).status == "stopped"
        while running.of_job(job):
            assert time.monotonic() < deadline, running.of_job(job)
            time.sleep(0.1)
    made = {path.name for path in kept.parent.iterdir()}
    assert made == {"drives", "replay", "openloop"}  # no evaluation, complete or partial
