"""Processes are killed and held at the call that a failpoint names, and at no other."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from support.reliability.failpoints import Armed, Failpoint, compile_library
from support.waiting import await_true

PROGRAM = """
import os, socket, sys
folder = sys.argv[1]
def said(step):
    os.mkdir(f"{folder}/{step}")
file = os.open(f"{folder}/new.tmp", os.O_WRONLY | os.O_CREAT)
said("opened")
os.write(file, b"1")
os.pwrite(file, b"2", 1)
said("written")
os.fsync(file)
os.close(file)
os.replace(f"{folder}/new.tmp", f"{folder}/new")
one, other = socket.socketpair()
one.sendall(b"the result of it")
said("sent")
"""


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("failpoints")
    return compile_library(folder, f"{folder}/")


@pytest.fixture
def armed(library: Path, tmp_path: Path) -> Armed:
    return Armed(library.parent, "some-job")


def start(library: Path, folder: Path, program: str = PROGRAM) -> subprocess.Popen[bytes]:
    environ = {**os.environ, "LD_PRELOAD": str(library), "RQ_JOB_ID": "train-some-job-abcdef"}
    return subprocess.Popen([sys.executable, "-c", program, str(folder)], env=environ)


@pytest.mark.parametrize(
    ("point", "made"),
    [
        (Failpoint("open-", "/new.tmp$", who="-c"), set()),
        (Failpoint("open+", "/new.tmp$", who="-c"), {"new.tmp"}),
        (Failpoint("write-", "/new.tmp$", 2, who="-c"), {"new.tmp=1", "opened"}),
        (Failpoint("write+", "/new.tmp$", 2, who="-c"), {"new.tmp=12", "opened"}),
        (Failpoint("fsync-", "/new.tmp$", who="-c"), {"new.tmp=12", "opened", "written"}),
        (Failpoint("close-", "/new.tmp$", who="-c"), {"new.tmp=12", "opened", "written"}),
        (Failpoint("rename-", "/new$", who="-c"), {"new.tmp=12", "opened", "written"}),
        (Failpoint("rename+", "/new$", who="-c"), {"new=12", "opened", "written"}),
        (Failpoint("send-", "result", who="-c"), {"new=12", "opened", "written"}),
    ],
    # A set is named in another order in each run.
    ids=lambda value: ",".join(sorted(value)) if isinstance(value, set) else str(value),
)
def test_a_process_is_killed_at_the_call(
    library: Path, armed: Armed, tmp_path: Path, point: Failpoint, made: set[str]
) -> None:
    armed.arm(point)
    assert start(library, tmp_path).wait(60) == -9
    assert armed.was_met
    left = {
        f"{path.name}={path.read_text()}".rstrip("=") if path.is_file() else path.name
        for path in tmp_path.iterdir()
    }
    assert left == made
    (tmp_path / "again").mkdir()
    assert start(library, tmp_path / "again").wait(60) == 0  # the next process is left alone


@pytest.mark.parametrize(
    "point",
    [
        Failpoint("write-", "/new.tmp$", 3, who="-c"),
        Failpoint("write-", "/new$", who="-c"),
        Failpoint("write-", "/new.tmp$", who="another program"),
    ],
    ids=str,
)
def test_a_process_that_does_not_come_there_is_left_alone(
    library: Path, armed: Armed, tmp_path: Path, point: Failpoint
) -> None:
    armed.arm(point)
    assert start(library, tmp_path).wait(60) == 0
    assert not armed.was_met
    armed.release()


def test_a_process_is_killed_after_a_time(library: Path, armed: Armed, tmp_path: Path) -> None:
    armed.arm(Failpoint("time", number=1, who="-c"))
    assert start(library, tmp_path, "import time; time.sleep(60)").wait(60) == -9


def test_a_process_is_held_until_it_is_released_and_the_next_one_is_armed(
    library: Path, armed: Armed, tmp_path: Path
) -> None:
    armed.arm(Failpoint("rename-", "/new$", who="-c"), "hold")
    armed.arm(Failpoint("open-", "/new.tmp$", who="-c"), after=True)
    held = start(library, tmp_path)
    armed.await_met()
    assert abs(armed.met_at_s - time.time()) < 60
    assert held.poll() is None
    assert not (tmp_path / "new").exists()
    armed.forget_met()
    assert held.wait(60) == 0
    await_true((tmp_path / "new").exists, "it goes on")
    assert start(library, tmp_path).wait(60) == -9
