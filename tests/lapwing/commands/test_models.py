"""Tests of the commands for versions. tests/evaluator/test_main.py runs their jobs as well."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from redis import Redis
from support.data.versions import publish_one
from typer.testing import CliRunner

from contract.errors import ModelError
from contract.jobs import queue
from contract.models.registry import Registry
from lapwing.app import app


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, redis_socket: Path) -> Registry:
    """Return the registry of a home with three versions, of which the first is current."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LAPWING_HOME", str(tmp_path))
    monkeypatch.setenv("LAPWING_REDIS_URL", f"unix://{redis_socket}")
    registry = Registry(tmp_path / "models")
    registry.root.mkdir()
    for job in ("one", "two", "three"):
        publish_one(registry, job)
    return registry


def lapwing(*words: str) -> Result:
    return CliRunner().invoke(app, list(words))


def queued_job(redis: Redis) -> dict[str, Any]:
    """Return the type, the queue and the arguments of the only queued job."""
    [view] = queue.views(redis)
    return {"type": view.id.split("-")[0], "queue": view.queue, **view.arguments}


def test_promote_queues_a_gate(home: Registry, redis: Redis) -> None:
    done = lapwing("promote", "2", "--no-wait")
    assert (done.exit_code, "queued gate-2-" in done.stdout) == (0, True)
    assert queued_job(redis) == {"type": "gate", "queue": "evaluate", "version": 2}
    assert home.current() == 1


def test_promote_force_needs_no_worker_and_is_recorded(home: Registry) -> None:
    done = lapwing("promote", "2", "--force", "--why", "it is newer")
    assert done.stdout.startswith("model version 2 is current (")
    assert (home.current(), home.decisions()[-1].why) == (2, "it is newer")
    lapwing("promote", "3", "--force")
    assert (home.decisions()[-1].by, home.decisions()[-1].why) == (
        "forced",
        "lapwing promote --force",
    )


def test_rollback_is_one_command(home: Registry) -> None:
    lapwing("promote", "3", "--force")
    done = lapwing("rollback", "--json")
    assert json.loads(done.stdout) == {"current": 1, "sha256": home.manifest(1).sha256}
    assert home.current() == 1
    done = lapwing("rollback")
    assert isinstance(done.exception, ModelError)
    assert home.current() == 1


@pytest.mark.parametrize("command", ["promote", "evaluate"])
def test_an_unknown_version_is_reported_before_a_job_is_queued(
    home: Registry, redis: Redis, command: str
) -> None:
    done = lapwing(command, "7")
    assert isinstance(done.exception, ModelError)
    assert str(done.exception).startswith("no such model version: got 7")
    assert queue.views(redis) == []


def test_an_evaluation_is_a_job_on_a_version(home: Registry, redis: Redis) -> None:
    assert lapwing("evaluate", "2", "--no-wait").exit_code == 0
    assert queued_job(redis) == {
        "type": "evaluate",
        "queue": "evaluate",
        "version": 2,
        "track": "lake",
        "starts": 20,
        "laps": 1.0,
        "conditions": ["clear"],
        "seed": 1,
        "film": True,
    }


@pytest.mark.parametrize(
    ("perturb", "conditions"),
    [
        ("fog,delay=100ms", ["clear", "fog", "delay=100ms"]),
        (" fog, dusk ,fog, ", ["clear", "fog", "dusk"]),
        ("fog, clear", ["clear", "fog"]),
        (",", ["clear"]),
    ],
)
def test_each_condition_is_named_once_after_clear(
    home: Registry, redis: Redis, perturb: str, conditions: list[str]
) -> None:
    assert lapwing("evaluate", "2", "--perturb", perturb, "--no-wait").exit_code == 0
    assert queued_job(redis)["conditions"] == conditions


def test_a_track_file_is_named_by_its_full_path_for_the_worker(
    home: Registry, redis: Redis, tmp_path: Path
) -> None:
    (tmp_path / "mine.csv").write_text("0,0\n")
    assert lapwing("evaluate", "2", "--track", "mine.csv", "--no-wait").exit_code == 0
    assert queued_job(redis)["track"] == str(tmp_path / "mine.csv")


@pytest.mark.parametrize(
    "words",
    [["--starts", "0"], ["--starts", "201"], ["--laps", "0"], ["--laps", "11"], ["--seed", "-1"]],
)
def test_numbers_out_of_range_are_refused_at_once(
    home: Registry, redis: Redis, words: list[str]
) -> None:
    assert lapwing("evaluate", "2", *words, "--no-wait").exit_code == 2
    assert queue.views(redis) == []


def test_models_shows_the_current_version_and_every_decision(home: Registry) -> None:
    lapwing("promote", "2", "--force")
    document = json.loads(lapwing("models", "--json").stdout)
    assert document["current"] == 2
    assert [version["version"] for version in document["versions"]] == [1, 2, 3]
    assert [decision["by"] for decision in document["decisions"]] == ["first", "forced"]
    assert "version 2 is current since" in lapwing("models").stdout


def test_notes_and_pins_are_set_and_shown(home: Registry) -> None:
    assert "note" not in lapwing("models").stdout.splitlines()[0]
    lapwing("models", "--note", "2", "takes the [bridge] well")
    done = lapwing("models", "--pin", "2")
    assert "note" in done.stdout.splitlines()[0]
    assert done.stdout.splitlines()[2].rstrip().endswith("pinned  takes the [bridge] well")
    document = json.loads(lapwing("models", "--unpin", "2", "--json").stdout)
    assert document["notes"] == {"2": {"note": "takes the [bridge] well", "pinned": False}}
    assert isinstance(lapwing("models", "--note", "9", "x").exception, ModelError)
