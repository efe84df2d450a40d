"""Tests of commands that need no running service. The others are in test_end_to_end.py."""

import json
import socket
from pathlib import Path

import pytest
import typer
from support.services import running
from support.services.running import Lapwing

from lapwing.app import app

COMMANDS = typer.main.get_command(app).commands  # type: ignore[attr-defined]  # It is a group.


@pytest.fixture
def lapwing(tmp_path: Path) -> Lapwing:
    """Return a home in which no service runs."""
    (tmp_path / "home").mkdir()
    return Lapwing(tmp_path / "home")


@pytest.mark.parametrize("words", [("models",), ("datasets",), ("logs",), ("train",)])
def test_a_command_in_another_folder_names_the_home_that_it_looked_for(
    tmp_path: Path, words: tuple[str, ...]
) -> None:
    lapwing = Lapwing(tmp_path / "elsewhere")
    done = lapwing.command(*words)
    assert done.returncode == 1
    assert done.stderr.startswith(
        f"lapwing: there is no home of Lapwing here: got {lapwing.home}. Run the command in the "
        "folder in which `lapwing up` was started"
    )
    assert "LAPWING_HOME and an absolute path" in done.stderr
    assert not lapwing.home.exists()


def test_a_command_without_a_running_lapwing_names_the_home(lapwing: Lapwing) -> None:
    done = lapwing.command("jobs")
    assert done.returncode == 1
    [line] = done.stderr.splitlines()
    assert f"No `lapwing up` runs in the home {lapwing.home}" in line


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
        "watch",
        "video",
        "cancel",
        "models",
        "prune",
        "datasets",
        "datasets show",
        "datasets exclude",
        "datasets restore",
        "datasets rename",
        "datasets remove",
        "evaluate",
        "promote",
        "rollback",
        "predict",
        "logs",
        "sim",
        "sim record",
        "sim drive",
        "sim drive-many",
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


def test_summaries_of_commands_are_not_cut_off(lapwing: Lapwing) -> None:
    lapwing.settings["COLUMNS"] = "80"
    overview = lapwing.command("--help").stdout
    assert "..." not in overview.partition("Commands:")[2]


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_command_takes_json(name: str) -> None:
    """A command that another program carries out leaves the option to that program."""
    command = COMMANDS[name]
    options = {option for parameter in command.params for option in parameter.opts}
    assert "--json" in options or command.context_settings.get("ignore_unknown_options")


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
        (["demo", "/x[/red]"], "there is no such recording: got /x[/red]"),
        (["demo", "/\x1b[2J:smile:"], "there is no such recording: got /\\x1b[2J:smile:"),
    ],
)
def test_missing_things_are_reported_in_one_line(
    lapwing: Lapwing, words: list[str], message: str
) -> None:
    done = lapwing.command(*words)
    assert done.returncode == 1
    assert done.stderr.startswith(f"lapwing: {message}")
    assert "Traceback" not in done.stderr


def test_without_models_the_list_is_empty(lapwing: Lapwing) -> None:
    assert json.loads(lapwing.command("models", "--json").stdout) == {
        "current": None,
        "versions": [],
        "decisions": [],
        "notes": {},
    }
    assert "`lapwing train` makes one" in lapwing.command("models").stdout


def test_a_bad_setting_is_reported(tmp_path: Path) -> None:
    lapwing = Lapwing(tmp_path, inference_port=0)
    done = lapwing.command("models")
    assert done.returncode == 1
    assert "LAPWING_INFERENCE_PORT has a value it cannot take: got '0'" in done.stderr


def test_a_port_in_use_is_reported_before_anything_is_started(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        lapwing = Lapwing(tmp_path, bridge_port=taken.getsockname()[1])
        done = lapwing.command("up", timeout_s=20)
    assert done.returncode == 1
    assert f"port {lapwing.bridge_port} on 127.0.0.1 is taken" in done.stderr
    assert running.processes(str(tmp_path)) == []
