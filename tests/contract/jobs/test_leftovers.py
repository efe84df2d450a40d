"""Removes what jobs and commands left, beside jobs in a real Redis and living processes."""

import logging
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest
from redis import Redis
from support.services.workers import Workers

from contract.files import atomic_files, locks
from contract.jobs import leftovers, queue


def copy_in(inbox: Path, name: str) -> Path:
    path = inbox / name / "lake" / "driving_log.csv"
    path.parent.mkdir(parents=True)
    path.touch()
    return path.parent


def left(inbox: Path) -> list[str]:
    return sorted(path.name for path in inbox.iterdir())


def test_a_copy_is_kept_as_long_as_a_job_needs_it(redis: Redis, tmp_path: Path) -> None:
    jobs = {}
    for name in ("waits", "runs", "done", "fails", "cancelled"):
        arguments = {"source": str(copy_in(tmp_path, name)), "staged": True}
        jobs[name] = queue.enqueue(queue.INGEST, redis, name, arguments)
    copy_in(tmp_path, "of-no-job")
    images = [str(copy_in(tmp_path, "image"))]
    queue.enqueue(queue.EXPLAIN, redis, "1", {"version": 1, "images": images, "staged": True})
    queue.cancel(jobs["cancelled"], redis)
    workers = Workers(redis)
    taken = {job.id: job for job in (workers.begin(queue.INGEST) for _ in range(4))}
    workers.finish(taken[jobs["done"]], {"imports": []})
    workers.fail(taken[jobs["fails"]], "why")
    leftovers.sweep_inbox(tmp_path, redis)
    assert left(tmp_path) == ["image", "runs", "waits"]


def test_a_recording_that_a_job_made_waits_for_its_import(redis: Redis, tmp_path: Path) -> None:
    """`lapwing dagger` queues the import after the job has ended, or when it is started again."""
    workers, jobs = Workers(redis), []
    for _ in range(2):
        job = queue.enqueue(queue.COLLECT, redis, "1", {"version": 1, "name": "lake"})
        jobs.append(workers.begin(queue.COLLECT))
        copy_in(tmp_path, job)
    workers.finish(jobs[0], {"collected": {}})
    workers.fail(jobs[1], "why")
    leftovers.sweep_inbox(tmp_path, redis)
    assert left(tmp_path) == [jobs[0].id]


def test_a_copy_that_a_command_makes_is_left_alone(redis: Redis, tmp_path: Path) -> None:
    with ExitStack() as held:
        held.enter_context(locks.new_folder(tmp_path / "held"))
        leftovers.sweep_inbox(tmp_path, redis)
        assert left(tmp_path) == ["held"]
    leftovers.sweep_inbox(tmp_path, redis)
    assert left(tmp_path) == []


def test_without_an_inbox_there_is_nothing_to_do(redis: Redis, tmp_path: Path) -> None:
    leftovers.sweep_inbox(tmp_path / "inbox", redis)
    assert not (tmp_path / "inbox").exists()


def test_many_copies_need_few_descriptors(redis: Redis, tmp_path: Path) -> None:
    for number in range(2 * leftovers.BATCH + 1):
        (tmp_path / str(number)).mkdir()
    leftovers.sweep_inbox(tmp_path, redis)
    assert left(tmp_path) == []


WRITING = """
import os, sys
from pathlib import Path
from contract.files import atomic_files
def stop(event, arguments):
    if event == "os.rename":
        print("about to rename", flush=True)
        sys.stdin.readline()
sys.addaudithook(stop)
atomic_files.write_json(Path(sys.argv[1]), {"n": 1})
"""


@pytest.mark.parametrize("killed", [False, True])
def test_a_temporary_file_belongs_to_its_writer_while_that_lives(
    tmp_path: Path, killed: bool
) -> None:
    """Its age tells nothing: the writer may wait for the disk, or the machine may have slept."""
    command = [sys.executable, "-c", WRITING, str(tmp_path / "a.json")]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, **pipes) as writer:  # type: ignore[call-overload]
        assert writer.stdout is not None
        assert writer.stdout.readline() == b"about to rename\n"
        if killed:
            writer.kill()
            writer.wait()
        leftovers.remove_temporary(tmp_path)
        assert len(atomic_files.temporary_paths(tmp_path)) == (0 if killed else 1)
        writer.communicate(b"\n" if not killed else None)
    assert left(tmp_path) == ([] if killed else ["a.json"])


def test_what_cannot_be_removed_is_logged_and_tried_again(
    redis: Redis, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(_: Redis) -> None:
        raise PermissionError(13, "Permission denied", "/data/inbox/x")

    with caplog.at_level(logging.WARNING):
        leftovers.attempt(fail, redis)
    assert "files of jobs that have ended are left: [Errno 13] Permission denied" in caplog.text
