"""Runs `python -m evaluator.offline` in a process of its own, as `lapwing rerun` and `score` do."""

import os
import subprocess
import sys
from pathlib import Path

import pytest


def run(*arguments: object, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "evaluator.offline", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env={**os.environ, **variables},
    )


def test_help_lists_both_commands() -> None:
    done = run("--help")
    assert done.returncode == 0, done.stderr
    assert "rerun" in done.stdout
    assert "score" in done.stdout


@pytest.mark.parametrize("command", ["rerun", "score"])
def test_help_of_a_command_shows_the_name_that_it_was_called_by(command: str) -> None:
    done = run(command, "--help", LAPWING_COMMAND="lapwing")
    assert done.returncode == 0, done.stderr
    assert f"lapwing {command}" in done.stdout
    assert "--json" in done.stdout


def test_an_error_is_one_line_and_exit_status_1(tmp_path: Path) -> None:
    done = run("rerun", tmp_path, "--policy", "zero")
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.startswith("evaluator: there is no driving_log.csv in the recording")
    assert len(done.stderr.splitlines()) == 1


def test_a_missing_argument_is_a_usage_error() -> None:
    done = run("score")
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
