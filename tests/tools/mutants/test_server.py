"""The process that runs tests: how runs end, and that nothing of a run is left."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import psutil
import pytest
from mutants.server import Answer, Request
from support.house import ROOT
from support.waiting import await_true

TESTS = """
import subprocess, time

def test_good():
    import numpy

def test_bad():
    assert 1 == 2

def test_hungry():
    bytearray(3 << 30)

def test_hanging():
    child = subprocess.Popen(["sleep", "6000"], start_new_session=True)
    open("child", "w").write(str(child.pid))
    time.sleep(6000)

def test_spinning():
    while True:
        pass
"""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    (tmp_path / "test_all.py").write_text(TESTS)
    (tmp_path / "test_torn.py").write_text("import nothing_of_that_name\n")
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    with subprocess.Popen(
        [sys.executable, "-m", "mutants.server"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT / "tools")},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        yield process
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait(60) == 0


def test_a_run_ends_as_its_tests_do_and_leaves_nothing(
    server: subprocess.Popen[str], tmp_path: Path
) -> None:
    def run(test: str, wall_s: float = 120.0, cpu_s: int = 120) -> Answer:
        request = Request(
            [test], wall_s, cpu_s, 2 << 30, str(tmp_path / "log"), str(tmp_path / "cache")
        )
        assert server.stdin is not None
        assert server.stdout is not None
        server.stdin.write(json.dumps(asdict(request)) + "\n")
        server.stdin.flush()
        return Answer(**json.loads(server.stdout.readline()))

    good = run("test_all.py::test_good")
    assert good.outcome == "passed"
    assert "numpy" in good.imported
    assert "test_all" not in good.imported
    for name in ("bad", "hungry"):
        found = run(f"test_all.py::test_{name}")
        assert (found.outcome, found.test) == ("failed", f"test_all.py::test_{name}")
    assert run("test_torn.py").outcome == "failed"
    assert run("test_all.py::test_of_no_such_name").outcome == "broken"
    assert run("test_all.py::test_spinning", cpu_s=2).outcome == "timeout"
    while not (tmp_path / "child").exists():  # on a busy machine it may not have come so far
        assert run("test_all.py::test_hanging", wall_s=2.0).outcome == "timeout"
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "child").read_text()), 0)


def test_nothing_runs_on_when_whoever_asked_is_killed(tmp_path: Path) -> None:
    (tmp_path / "test_all.py").write_text(TESTS)
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    request = Request(
        ["test_all.py::test_hanging"], 600.0, 600, 2 << 30, str(tmp_path / "log"), "cache"
    )
    code = (
        "import subprocess, sys, time\n"
        "server = subprocess.Popen([sys.executable, '-m', 'mutants.server'],"
        " stdin=subprocess.PIPE, text=True)\n"
        "server.stdin.write(sys.argv[1] + '\\n')\n"
        "server.stdin.flush()\n"
        "print(server.pid, flush=True)\n"
        "time.sleep(600)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, json.dumps(asdict(request))],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT / "tools")},
        stdout=subprocess.PIPE,
        text=True,
    ) as asking:
        assert asking.stdout is not None
        server = int(asking.stdout.readline())
        await_true(lambda: (tmp_path / "child").exists() and (tmp_path / "child").read_text() != "")
        asking.kill()
    child = int((tmp_path / "child").read_text())
    await_true(lambda: has_ended(server) and has_ended(child))


def has_ended(pid: int) -> bool:
    """Tell whether a process has ended; a zombie has, and waits only for its parent."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True
