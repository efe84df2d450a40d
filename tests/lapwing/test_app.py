"""The commands that need nothing running; the others are in test_end_to_end.py."""

import dataclasses
import inspect
import json
import socket
from pathlib import Path

import pytest
import typer
from support.services import running
from support.services.running import Lapwing

from contract.train_config import TrainConfig
from lapwing import app

COMMANDS = typer.main.get_command(app.app).commands  # type: ignore[attr-defined]  # a group


@pytest.fixture
def lapwing(tmp_path: Path) -> Lapwing:
    """A home in which nothing runs."""
    return Lapwing(tmp_path / "home")


@pytest.mark.parametrize(
    "command",
    [
        "",
        "up",
        "demo",
        "ingest",
        "train",
        "import-model",
        "explain",
        "jobs",
        "cancel",
        "models",
        "evaluate",
        "promote",
        "rollback",
        "predict",
        "logs",
        "sim",
        "sim record",
        "sim drive",
        "sim evaluate",
        "report",
        "dagger",
        "doctor",
        "rerun",
        "score",
    ],
)
def test_every_command_has_help(lapwing: Lapwing, command: str) -> None:
    done = lapwing.command(*command.split(), "--help")
    assert done.returncode == 0
    assert "Usage:" in done.stdout


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_command_takes_json(name: str) -> None:
    """Those that hand their words to another program leave it to that."""
    command = COMMANDS[name]
    options = {option for parameter in command.params for option in parameter.opts}
    assert "--json" in options or command.context_settings.get("ignore_unknown_options")


def test_the_command_line_trains_as_the_trainer_does_by_itself() -> None:
    told = {name: each.default for name, each in inspect.signature(app.train).parameters.items()}
    assert {name: told[name] for name in told.keys() - {"datasets", "wait", "as_json"}} == (
        dataclasses.asdict(TrainConfig())
    )


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["jobs"], "Redis does not answer at unix://"),
        (["train"], "Redis does not answer at unix://"),
        (["import-model", __file__], "Redis does not answer at unix://"),
        (["import-model", __file__, "--crop", "60"], "--crop has a value it cannot take"),
        (["explain", "1"], "Redis does not answer at unix://"),
        (["predict", __file__], "inference does not answer at http://127.0.0.1:"),
        (["promote", "7"], "no such model version: got 7"),
        (["promote", "7", "--force"], "no such model version: got 7"),
        (["evaluate", "7"], "no such model version: got 7"),
        (["rollback"], "no version drove before the current one"),
        (["report", "7"], "no such model version: got 7"),
        (["logs"], "there are no logs"),
        (["demo", "/nowhere"], "there is no such recording: got /nowhere"),
    ],
)
def test_what_is_missing_is_one_line_that_says_so(
    lapwing: Lapwing, words: list[str], message: str
) -> None:
    done = lapwing.command(*words)
    assert done.returncode == 1
    assert done.stderr.startswith(f"lapwing: {message}")
    assert "Traceback" not in done.stderr


def test_no_models_are_an_empty_list(lapwing: Lapwing) -> None:
    assert json.loads(lapwing.command("models", "--json").stdout) == {
        "current": None,
        "versions": [],
        "decisions": [],
    }
    assert "`lapwing train` makes one" in lapwing.command("models").stdout


def test_a_bad_setting_is_said(tmp_path: Path) -> None:
    lapwing = Lapwing(tmp_path, inference_port=0)
    done = lapwing.command("models")
    assert done.returncode == 1
    assert "LAPWING_INFERENCE_PORT has a value it cannot take: got '0'" in done.stderr


def test_a_port_in_use_is_said_before_anything_is_started(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        lapwing = Lapwing(tmp_path, bridge_port=taken.getsockname()[1])
        done = lapwing.command("up", timeout_s=20)
    assert done.returncode == 1
    assert f"port {lapwing.bridge_port} on 127.0.0.1 is taken" in done.stderr
    assert running.processes(str(tmp_path)) == []
