"""A home that cannot be used costs a command one line, which says what to do."""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from support.services import rights, running, small_disks

COMMANDS = (
    ("up",),
    ("models",),
    ("models", "--note", "1", "x"),
    ("datasets",),
    ("prune", "--keep", "1"),
    ("logs",),
    ("jobs",),
    ("train",),
)


def check(command: Sequence[str], home: Path, *, may_work: bool = False) -> None:
    environ = {
        **os.environ,
        "LAPWING_HOME": str(home),
        "LAPWING_INFERENCE_PORT": str(running.free_port()),
        "LAPWING_BRIDGE_PORT": str(running.free_port()),
        "COLUMNS": "1000",
    }
    done = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=60)
    assert "Traceback" not in done.stderr, done.stderr
    if may_work and done.returncode == 0:
        return
    assert done.returncode == 1, done.stdout + done.stderr
    (line,) = done.stderr.splitlines()
    assert line.startswith("lapwing: ")


def lapwing(words: Sequence[str]) -> list[str]:
    return [sys.executable, "-m", "lapwing", *words]


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_a_file_in_the_place_of_the_home(tmp_path: Path, words: tuple[str, ...]) -> None:
    (tmp_path / "home").touch()
    check(lapwing(words), tmp_path / "home")


@pytest.mark.parametrize("place", ["data", "models", "logs", "redis", "up.lock", "models/versions"])
def test_something_else_in_the_place_of_a_part_of_it(tmp_path: Path, place: str) -> None:
    path = tmp_path / "home" / place
    path.parent.mkdir(parents=True)
    path.mkdir() if place == "up.lock" else path.touch()
    for words in COMMANDS[:1] if place != "models/versions" else COMMANDS[2:3]:
        check(lapwing(words), tmp_path / "home")


@pytest.mark.parametrize("words", [COMMANDS[0], COMMANDS[2], COMMANDS[4]], ids=" ".join)
def test_a_home_on_a_disk_that_is_only_read(tmp_path: Path, words: tuple[str, ...]) -> None:
    home = tmp_path / "home"
    for name in ("data", "models/versions/1", "logs", "redis"):
        (home / name).mkdir(parents=True)
    check(small_disks.on_read_only_disk(home, lapwing(words)), home, may_work=words[0] == "prune")


def test_a_home_of_somebody_else(tmp_path: Path) -> None:
    home = tmp_path / "home"
    for name in ("data", "models", "logs"):
        (home / name).mkdir(parents=True)
    home.chmod(0o555)
    command = rights.without_privileges(lapwing(("up",)))
    check(command, home)


@pytest.mark.parametrize("home", ["/proc/lapwing", "/dev/null/lapwing"])
def test_a_home_where_no_folder_can_be_made(home: str) -> None:
    check(lapwing(("up",)), Path(home))


UP = """
import os, subprocess, sys
from pathlib import Path
from support.services import small_disks
home = Path(sys.argv[1])
for name in ("data", "models", "logs", "redis"):
    (home / name).mkdir()
small_disks.fill(home)
done = subprocess.run([sys.executable, "-m", "lapwing", "up"], capture_output=True, text=True,
                      env={**os.environ, "LAPWING_HOME": str(home), "COLUMNS": "1000"})
print(done.stderr)
"""


def test_a_home_on_a_disk_that_has_become_full(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    printed = small_disks.run_python(UP, tmp_path / "disk", "1m").stdout
    (line,) = printed.strip().splitlines()
    assert line.startswith("lapwing: the disk is full: a file could not be written")


def test_a_home_on_a_full_disk(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    check(
        small_disks.on_small_disk(tmp_path / "disk", "1m,nr_inodes=2", lapwing(("up",))),
        tmp_path / "disk" / "home",
    )
