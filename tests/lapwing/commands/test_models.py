"""The commands about versions; tests/evaluator/test_main.py has them follow a job to its end."""

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
    """The registry of a home with three versions, of which the first drives."""
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


def asked(redis: Redis) -> dict[str, Any]:
    """Return what the one queued job is told."""
    [view] = queue.views(redis)
    return {"kind": view.id.split("-")[0], "queue": view.queue, **view.arguments}


def test_promote_asks_the_gate(home: Registry, redis: Redis) -> None:
    done = lapwing("promote", "2", "--no-wait")
    assert (done.exit_code, "queued gate-2-" in done.stdout) == (0, True)
    assert asked(redis) == {"kind": "gate", "queue": "evaluate", "version": 2}
    assert home.current() == 1


def test_promote_force_needs_no_worker_and_is_written_down(home: Registry) -> None:
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
def test_a_version_that_is_not_there_is_said_before_anything_is_queued(
    home: Registry, redis: Redis, command: str
) -> None:
    done = lapwing(command, "7")
    assert isinstance(done.exception, ModelError)
    assert str(done.exception).startswith("no such model version: got 7")
    assert queue.views(redis) == []


def test_an_evaluation_is_a_job_on_a_version(home: Registry, redis: Redis) -> None:
    assert lapwing("evaluate", "2", "--no-wait").exit_code == 0
    assert asked(redis) == {
        "kind": "evaluate",
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
def test_conditions_stand_once_each_after_clear(
    home: Registry, redis: Redis, perturb: str, conditions: list[str]
) -> None:
    assert lapwing("evaluate", "2", "--perturb", perturb, "--no-wait").exit_code == 0
    assert asked(redis)["conditions"] == conditions


def test_a_track_of_ones_own_is_found_from_wherever_the_worker_runs(
    home: Registry, redis: Redis, tmp_path: Path
) -> None:
    (tmp_path / "mine.csv").write_text("0,0\n")
    assert lapwing("evaluate", "2", "--track", "mine.csv", "--no-wait").exit_code == 0
    assert asked(redis)["track"] == str(tmp_path / "mine.csv")


@pytest.mark.parametrize(
    "words",
    [["--starts", "0"], ["--starts", "201"], ["--laps", "0"], ["--laps", "11"], ["--seed", "-1"]],
)
def test_what_makes_no_sense_is_refused_at_once(
    home: Registry, redis: Redis, words: list[str]
) -> None:
    assert lapwing("evaluate", "2", *words, "--no-wait").exit_code == 2
    assert queue.views(redis) == []


def test_models_tells_who_drives_and_every_decision(home: Registry) -> None:
    lapwing("promote", "2", "--force")
    found = json.loads(lapwing("models", "--json").stdout)
    assert found["current"] == 2
    assert [each["version"] for each in found["versions"]] == [1, 2, 3]
    assert [each["by"] for each in found["decisions"]] == ["first", "forced"]
    assert "version 2 is current since" in lapwing("models").stdout
