"""Runs tests in forks of one process that has imported what the tests need.

Starting pytest and importing NumPy, PyTables and Hypothesis takes longer than most of our tests.
This process imports other people's packages once, never ours, and forks for each run. It reads
one request a line from the standard input and writes one answer a line to the standard output.
"""

from __future__ import annotations

import contextlib
import ctypes
import importlib
import json
import os
import re
import resource
import signal
import sys
import time
import traceback
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

_SET_CHILD_SUBREAPER = 36
_NOT_BEFORE_A_FORK = {"tensorflow", "keras", "jax", "grpc", "eventlet"}
_FILE_BYTES = 1 << 30
_FAILED = re.compile(r"^(?:FAILED|ERROR) (\S+)", re.MULTILINE)


@dataclass(frozen=True)
class Request:
    """What shall be run, and what it may use."""

    tests: list[str]
    wall_s: float
    cpu_s: int
    """Limit of the processor time of each process, in seconds."""
    memory_bytes: int
    """Limit of the address space of each process."""
    log: str
    """File that the output of the run is written to."""
    cache: str
    """Folder in which pytest remembers what failed last, to try it first."""


@dataclass(frozen=True)
class Answer:
    """How a run ended."""

    outcome: str
    """`passed`, `failed`, `timeout`, or `broken` if pytest could not be used."""
    wall_s: float
    test: str
    """The first test that failed, or nothing."""
    imported: list[str]
    """Packages of others that the run imported; only of a run that passed."""


def serve() -> None:
    """Answer requests until the standard input ends."""
    # Processes that a test leaves behind become children of this one, which ends them.
    ctypes.CDLL(None).prctl(_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    for line in sys.stdin:
        answer = run(Request(**json.loads(line)))
        print(json.dumps(asdict(answer)), flush=True)
        for name in answer.imported:
            with contextlib.suppress(ImportError):  # a part of a package that needs another
                importlib.import_module(name)


def run(request: Request) -> Answer:
    """Run the tests in a fork, and return how they ended."""
    begun, parent = time.monotonic(), os.getppid()
    imported = Path(f"{request.log}.imported")
    imported.unlink(missing_ok=True)
    child = os.fork()
    if child == 0:
        _run_and_exit(request, imported)
    status = None
    while status is None and time.monotonic() - begun < request.wall_s:
        ended, code = os.waitpid(child, os.WNOHANG)
        if ended:
            status = code
        elif os.getppid() != parent:  # whoever asked is gone
            _end_all()
            raise SystemExit(1)
        else:
            time.sleep(0.01)
    _end_all()
    wall_s = time.monotonic() - begun
    output = Path(request.log).read_text(errors="replace")
    failed = _FAILED.search(output)
    test = failed.group(1) if failed else ""
    if status is None or (os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGXCPU):
        return Answer("timeout", wall_s, test, [])
    if os.WIFSIGNALED(status):
        return Answer("failed", wall_s, f"signal {os.WTERMSIG(status)}", [])
    code = os.WEXITSTATUS(status)
    # 0 passed, 1 failed, 2 could not be collected, 3 failed outside a test; else pytest's usage.
    outcome = {0: "passed", 1: "failed", 2: "failed", 3: "failed"}.get(code, "broken")
    names = json.loads(imported.read_text()) if outcome == "passed" else []
    return Answer(outcome, wall_s, test, names)


def _run_and_exit(request: Request, imported: Path) -> None:
    """Run pytest in this process, which is a fork, and end it with pytest's status.

    Args:
        request: What shall be run.
        imported: File that gets the names of the imported modules that are not of the tree.
    """
    status = 70
    try:
        os.setsid()
        log = os.open(request.log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        nothing = os.open(os.devnull, os.O_RDONLY)
        for source, target in ((nothing, 0), (log, 1), (log, 2)):
            os.dup2(source, target)
        resource.setrlimit(resource.RLIMIT_CPU, (request.cpu_s, request.cpu_s + 5))
        resource.setrlimit(resource.RLIMIT_AS, (request.memory_bytes, request.memory_bytes))
        resource.setrlimit(resource.RLIMIT_FSIZE, (_FILE_BYTES, _FILE_BYTES))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        status = _pytest(request)
        imported.write_text(json.dumps(_imported_from_elsewhere()))
    except BaseException:
        traceback.print_exc()
        raise
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def _pytest(request: Request) -> int:
    """Run pytest until the first failure, and return its status."""
    import hypothesis
    import pytest

    # A failure is a failure: no time is spent on finding a smaller one. The examples are the same
    # each time, so that a mutant's fate is.
    hypothesis.settings.register_profile(
        "mutants",
        derandomize=True,
        database=None,
        deadline=None,
        phases=[hypothesis.Phase.explicit, hypothesis.Phase.generate],
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    options = [
        "-x",
        "-q",
        "--no-header",
        "--tb=line",
        "--ff",
        "-rfE",
        f"--override-ini=cache_dir={request.cache}",
    ]
    plugins = ["-p", "no:schemathesis", "--hypothesis-profile=mutants"]
    # Hypothesis and others are imported already; pytest would warn that it cannot rewrite them.
    plugins += ["-W", "ignore::pytest.PytestAssertRewriteWarning"]
    return int(pytest.main([*options, *plugins, *request.tests]))


def _imported_from_elsewhere() -> list[str]:
    """Return the names of the imported modules that have a file outside the tree."""
    here = f"{Path.cwd()}/"
    return sorted(
        name
        for name, module in list(sys.modules.items())
        if (file := getattr(module, "__file__", None)) is not None
        and not str(file).startswith(here)
        and name.split(".")[0] not in {*_NOT_BEFORE_A_FORK, "__main__", "__mp_main__"}
    )


def _end_all() -> None:
    """Kill all processes that descend from this one, and wait for them."""
    while children := psutil.Process().children(recursive=True):
        for process in children:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(children, timeout=10)


if __name__ == "__main__":
    serve()
