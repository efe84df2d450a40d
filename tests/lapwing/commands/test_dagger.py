"""The command against a real Redis, where the test is the workers: it answers job after job."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from redis import Redis
from support.data import models
from support.services.workers import QUEUES, Workers

from contract.jobs import queue
from contract.models.registry import H5, Registry

CONFIG = {"epochs": 8, "split": "auto", "seed": 5}


@dataclass
class Home(Workers):
    """A home without services; what the command queues is answered here."""

    folder: Path
    socket: Path
    process: subprocess.Popen[str] | None = None

    def start(self, *words: str) -> None:
        environ = {
            **os.environ,
            "LAPWING_HOME": str(self.folder),
            "COLUMNS": "200",
            "LAPWING_REDIS_URL": f"unix://{self.socket}",
        }
        self.process = subprocess.Popen(
            [sys.executable, "-m", "lapwing", "dagger", *words],
            env=environ,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def end(self) -> tuple[int, str, str]:
        """Return the exit status and what was printed."""
        assert self.process is not None
        out, said = self.process.communicate(timeout=60)
        return self.process.returncode, out, said

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.end()

    def publish(self, **changes: Any) -> None:
        """Publish a version whose recordings are on the data volume."""
        registry = Registry(self.folder / "models")
        manifest = models.manifest("job", config=CONFIG, **changes)
        staged = registry.root / ".staged"
        staged.mkdir(parents=True)
        (staged / H5).write_bytes(b"a network")
        registry.publish(staged, manifest)
        for each in manifest.data:
            store = self.folder / "data" / "stores" / f"{each['dataset']}.json"
            store.parent.mkdir(parents=True)
            store.write_text("{}")


@pytest.fixture
def home(tmp_path: Path, redis: Redis, redis_socket: Path) -> Iterator[Home]:
    """A home with workers that are known to Redis, and version 1, trained on lake."""
    made = Home(redis, tmp_path / "home", redis_socket)
    made.appear()
    yield made
    if made.process is not None and made.process.poll() is None:
        made.kill()


def test_two_rounds(home: Home) -> None:
    home.publish()
    home.start("--rounds", "2", "--conditions", "clear,fog", "--epochs", "3", "--json")
    assert home.evaluate(100, 40)["version"] == 1
    taken = home.collect()
    assert (taken["version"], taken["conditions"], taken["beta"]) == (1, ["fog"], 0.0)
    handed = home.ingest("dagger-v1-r1-0a")
    assert handed == {"source": "/inbox/x/r", "name": "dagger-v1-r1", "staged": True}
    # By blocks, whatever the number of recordings; all else as version 1 was trained.
    options = {**CONFIG, "split": "blocks", "epochs": 3}
    assert home.train(2, home.queue_gate(2)) == {"datasets": ["lake", "dagger-v1-r1-0a"], **options}
    home.gate(2, accepted=False)
    assert home.evaluate(90, 95)["version"] == 2
    again = home.collect()
    # The newest drives, also where the gate refused it, from other starts, where it is weakest.
    assert (again["version"], again["conditions"]) == (2, ["clear"])
    assert again["seed"] != taken["seed"]
    home.ingest("dagger-v1-r2-0b")
    assert home.train(3)["datasets"] == ["lake", "dagger-v1-r1-0a", "dagger-v1-r2-0b"]
    home.evaluate(100, 100)
    status, out, said = home.end()
    assert status == 0, said
    rounds = json.loads(out)["rounds"]
    assert [each["version"] for each in rounds] == [1, 2, 3]
    assert [each["rows"] for each in rounds] == [60, 148, 236]
    assert [each["autonomy"]["fog"]["mean"] for each in rounds] == [40, 95, 100]
    assert [each["gate"] and each["gate"]["accepted"] for each in rounds] == [None, False, None]


def test_people_see_a_table(home: Home) -> None:
    home.publish()
    home.start("--rounds", "1", "--conditions", "clear,fog")
    home.evaluate(100, 40)
    home.collect()
    home.ingest("r1")
    home.train(2, home.queue_gate(2))
    home.gate(2, accepted=True)
    home.evaluate(100, 95)
    _, out, _ = home.end()
    last = out.splitlines()[-1].split()
    assert last == [
        "1",
        "2",
        "fog",
        "90",
        "148",
        "0.0200",
        "100.0",
        "(95-100)",
        "95.0",
        "(90-95)",
        "accepted",
    ]


def test_a_command_that_was_killed_is_taken_up_where_it_was(home: Home) -> None:
    home.publish()
    words = ("--rounds", "1", "--conditions", "clear,fog")
    home.start(*words)
    home.evaluate(100, 40)
    home.collect()
    home.ingest("r1")
    training = home.begin(queue.TRAIN)
    home.kill()
    home.start(*words)
    home.finish(training, {"version": 2, "gate": None, "metrics": {"validation_mse": 0.02}})
    # Nothing is queued twice: what comes next is the evaluation.
    assert home.evaluate(100, 95)["version"] == 2
    status, out, _ = home.end()
    assert status == 0
    done = "done are r0-evaluate, r1-collect, r1-ingest"
    assert f"Taken up again from version 1: {done}" in out
    assert [queue.queue(name, home.redis).count for name in QUEUES] == [0, 0, 0]
    home.start(*words)  # that one is over: another begins
    assert home.evaluate(100, 40)["version"] == 1


def test_a_step_that_failed_is_said_and_tried_again(home: Home) -> None:
    home.publish()
    words = ("--rounds", "1", "--conditions", "clear,fog")
    home.start(*words)
    home.evaluate(100, 40)
    home.fail(home.begin(queue.COLLECT), "ModelError: it is damaged")
    status, _, said = home.end()
    assert status == 1
    assert "failed: got ModelError: it is damaged" in said
    home.start(*words)
    assert home.collect()["version"] == 1


def test_a_gate_that_failed_is_asked_again(home: Home) -> None:
    home.publish()
    words = ("--rounds", "1", "--conditions", "clear,fog")
    home.start(*words)
    home.evaluate(100, 40)
    home.collect()
    home.ingest("r1")
    gate = home.queue_gate(2)
    home.train(2, gate)
    home.fail(home.begin(queue.GATE), "it was killed")
    assert home.end()[0] == 1
    home.start(*words)
    assert home.gate(2, accepted=True) == {"version": 2}
    home.evaluate(100, 40)
    assert home.end()[0] == 0


def test_what_was_interrupted_is_not_confused_with_something_else(home: Home) -> None:
    home.publish()
    home.start("--rounds", "1", "--conditions", "clear,fog")
    home.begin(queue.EVALUATE)
    home.kill()
    home.start("--rounds", "2", "--conditions", "clear,fog")
    status, _, said = home.end()
    assert status == 1
    assert "another `lapwing dagger` was interrupted: got {'rounds': 1}, now {'rounds': 2}" in said
    home.start("--rounds", "2", "--conditions", "clear,fog", "--anew")
    assert home.evaluate(100, 40)["version"] == 1


def test_what_failed_at_its_first_step_is_not_in_the_way_of_another(home: Home) -> None:
    home.publish()
    home.start("--rounds", "1", "--conditions", "rain")
    home.fail(home.begin(queue.EVALUATE), "no such condition")
    assert home.end()[0] == 1
    home.start("--rounds", "1", "--conditions", "clear,fog")
    assert home.evaluate(100, 40)["conditions"] == ["clear", "fog"]


def test_no_model_is_said(home: Home) -> None:
    home.start()
    assert "no model was published yet" in home.end()[2]


def test_an_imported_model_cannot_be_trained_again(home: Home) -> None:
    home.publish(data=[])
    home.start()
    assert "model version 1 cannot be trained again: it was imported" in home.end()[2]


def test_a_recording_that_is_gone_is_said(home: Home) -> None:
    home.publish()
    (home.folder / "data" / "stores" / "lake.json").unlink()
    home.start()
    assert "recordings of model version 1 are gone: got ['lake']" in home.end()[2]


def test_a_worker_that_is_not_there_is_said(home: Home) -> None:
    home.publish()
    home.redis.flushall()
    home.start()
    assert "no evaluator is running" in home.end()[2]
