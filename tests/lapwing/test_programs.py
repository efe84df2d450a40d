import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from contract.errors import ServiceError
from contract.settings import load
from lapwing import programs
from lapwing.programs import DOCTOR, EXPORT, OFFLINE, SIMULATOR, Program
from lapwing.settings import Settings


@pytest.fixture
def settings(monkeypatch: pytest.MonkeyPatch) -> Settings:
    for name in ("LAPWING_BRIDGE_URL", "LAPWING_DATA_DIR", "LAPWING_MODEL_DIR"):
        monkeypatch.delenv(name, raising=False)
    return load(Settings, {"LAPWING_HOME": "/home", "LAPWING_BRIDGE_PORT": "4000"})


@pytest.mark.parametrize("program", [SIMULATOR, DOCTOR, OFFLINE, EXPORT])
def test_a_program_is_a_module_with_arguments(program: Program) -> None:
    command = programs.command_line(program, ["drive", "--json"])
    assert command == [sys.executable, "-m", program.module, "drive", "--json"]


def test_a_program_that_is_not_installed_is_reported_with_its_remedy() -> None:
    program = Program("no_such_package.main", "the program", "Install it")
    with pytest.raises(ServiceError) as raised:
        programs.command_line(program, [])
    assert str(raised.value) == "the program is not installed here. Install it."


def test_a_program_gets_the_bridge_the_models_and_its_name(settings: Settings) -> None:
    variables = programs.environment(settings, "lapwing sim")
    assert variables["LAPWING_BRIDGE_URL"] == "ws://127.0.0.1:4000"
    assert variables["LAPWING_DATA_DIR"] == "/home/data"
    assert variables["LAPWING_MODEL_DIR"] == "/home/models"
    assert variables["LAPWING_COMMAND"] == "lapwing sim"


def test_the_users_own_variables_take_precedence(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAPWING_BRIDGE_URL", "ws://elsewhere:1")
    monkeypatch.setenv("LAPWING_COMMAND", "something else")
    variables = programs.environment(settings, "lapwing sim")
    assert variables["LAPWING_BRIDGE_URL"] == "ws://elsewhere:1"
    assert variables["LAPWING_COMMAND"] == "lapwing sim"


def test_a_program_prints_to_this_terminal_and_gives_its_exit_status(
    settings: Settings, capfd: pytest.CaptureFixture[str]
) -> None:
    assert programs.run_in_foreground(settings, DOCTOR, "lapwing doctor", ["--help"]) == 0
    assert "lapwing doctor" in capfd.readouterr().out
    assert programs.run_in_foreground(settings, DOCTOR, "lapwing doctor", ["/nowhere"]) == 2


def test_ctrl_c_is_left_to_the_program(tmp_path: Path) -> None:
    """Both processes get the signal, as they do from a terminal."""
    program = tmp_path / "program.py"
    program.write_text(
        textwrap.dedent(
            """
            import signal, sys, time
            def stop(*_):
                time.sleep(0.3)
                print("cleaned up", flush=True)
                sys.exit(7)
            signal.signal(signal.SIGINT, stop)
            print("ready", flush=True)
            time.sleep(30)
            """
        )
    )
    code = (
        "import os, sys; from lapwing import programs;"
        f"sys.exit(programs.wait_in_foreground([sys.executable, {str(program)!r}], os.environ))"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code], text=True, stdout=subprocess.PIPE, start_new_session=True
    )
    assert process.stdout is not None
    with process.stdout:
        assert process.stdout.readline() == "ready\n"
        # The group of a new session has the number of its first process.
        subprocess.run(["kill", f"-{signal.SIGINT.name}", "--", f"-{process.pid}"], check=True)
        assert process.stdout.readline() == "cleaned up\n"
    assert process.wait(10) == 7
