"""Runs a real worker in another process; its jobs name functions that it must or must not run."""

import hashlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from redis import Redis
from rq import Queue, Retry
from rq.job import Job
from rq.serializers import JSONSerializer
from support.data import samples
from support.services import running
from support.services.worker_processes import await_end
from support.waiting import await_true

from contract.files import locks
from contract.jobs import deaths, queue, worker


@pytest.fixture
def working(redis: Redis, redis_socket: Path, tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run the worker of the queue INGEST, in a folder with files of the user."""
    environ = {
        **os.environ,
        "LAPWING_REDIS_URL": f"unix://{redis_socket}",
        "LAPWING_REDIS_PASSWORD_FILE": str(tmp_path / "password"),
        "LAPWING_DATA_DIR": str(tmp_path),
        "LAPWING_INGEST_MEMORY": "64m",
    }
    (tmp_path / "password").write_text("s3cret")
    for name in ("queue", "pickle", "redis", "contract"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('the file of the user')\n")
    redis.acl_setuser("default", enabled=True, passwords=["+s3cret"])
    process = subprocess.Popen(
        # -P for this one process: the worker sees to those that it starts.
        [sys.executable, "-P", "-m", "ingest"],
        env=environ,
        cwd=tmp_path,
    )
    await_true(lambda: worker.is_alive(queue.INGEST, redis))
    yield process
    process.terminate()
    assert process.wait(10) == 0
    redis.acl_setuser("default", enabled=True, nopass=True)


def test_a_queue_without_workers_has_none_alive(redis: Redis) -> None:
    assert not worker.is_alive(queue.INGEST, redis)
    assert not worker.is_listening(queue.INGEST, redis)


@pytest.mark.usefixtures("working")
def test_a_worker_listens_only_to_its_own_queue(redis: Redis) -> None:
    assert worker.is_listening(queue.INGEST, redis)
    assert not worker.is_listening(queue.TRAIN, redis)


@pytest.mark.usefixtures("working")
def test_a_job_that_fails_says_why_and_is_not_retried(redis: Redis, tmp_path: Path) -> None:
    job = queue.enqueue(queue.INGEST, redis, "x", {"source": str(tmp_path / "nothing")})
    view = await_end(job, redis)
    assert view.status == "failed"
    assert "there is no such recording" in view.error
    assert len(Job.fetch(job, redis, serializer=JSONSerializer).results()) == 1


@pytest.mark.usefixtures("working")
def test_no_other_function_is_run_whatever_redis_says(redis: Redis, tmp_path: Path) -> None:
    rq_queue = Queue(queue.INGEST, connection=redis, serializer=JSONSerializer)
    job = rq_queue.enqueue_call("os.system", args=[f"touch {tmp_path / 'owned'}"])
    view = await_end(job.id, redis)
    assert view.status == "failed"
    assert "names a function that Lapwing does not queue: got os.system" in view.error
    assert not (tmp_path / "owned").exists()


@pytest.mark.usefixtures("working")
def test_a_second_try_finds_what_the_first_one_found(redis: Redis, tmp_path: Path) -> None:
    """The copy of the recording is kept until the last try, which tells the true reason."""
    copy = samples.recording(tmp_path / "inbox" / "a1" / "run", rows=2)
    rq_queue = Queue(queue.INGEST, connection=redis, serializer=JSONSerializer)
    arguments = {"source": str(copy), "staged": True, "max_reject_share": "a half"}
    job = rq_queue.enqueue_call("ingest.job.run", kwargs=arguments, retry=Retry(max=1))
    await_true(lambda: job.get_status() == "failed")
    job.refresh()
    assert job.retries_left == 0  # it was tried twice
    assert "TypeError: '>' not supported" in str(job.results()[-1].exc_string)
    await_true(lambda: not copy.parent.exists())


@pytest.mark.usefixtures("working")
def test_a_recording_that_is_wrong_is_tried_once_and_its_copy_removed(
    redis: Redis, tmp_path: Path
) -> None:
    copy = tmp_path / "inbox" / "a1" / "run.zip"
    copy.parent.mkdir(parents=True)
    copy.write_bytes(b"PK\3\4 and no more")
    job = queue.enqueue(queue.INGEST, redis, "x", {"source": str(copy), "staged": True})
    assert "the archive run.zip cannot be unpacked" in await_end(job, redis).error
    assert len(Job.fetch(job, redis, serializer=JSONSerializer).results()) == 1
    assert not copy.parent.exists()


@pytest.fixture
def slow(tmp_path: Path) -> Iterator[str]:
    """Yield a recording whose import waits until the test ends, as if another one made it."""
    samples.recording(tmp_path / "lake", rows=20)
    log = (tmp_path / "lake" / "driving_log.csv").read_bytes()
    digest = hashlib.sha256(log).hexdigest()
    with locks.lock(tmp_path / "stores" / f".{digest[:16]}.lock"):
        yield str(tmp_path / "lake")


def process_of(job: str, redis: Redis) -> int:
    """Return the process id of a job that has begun."""
    await_true(lambda: queue.view(job, redis).status == "started" and bool(running.of_job(job)))
    return running.of_job(job)[0]


def kill(job: str, redis: Redis) -> None:
    process = process_of(job, redis)
    os.kill(process, signal.SIGKILL)
    await_true(lambda: not Path(f"/proc/{process}").exists())


@pytest.mark.usefixtures("working")
def test_a_job_whose_process_is_killed_has_two_tries_and_then_its_reason(
    redis: Redis, slow: str
) -> None:
    job = queue.enqueue(queue.INGEST, redis, "x", {"source": slow})
    for _ in range(2):
        kill(job, redis)
    view = await_end(job, redis)
    assert view.status == "failed"
    assert view.error == (
        "contract.errors.JobError: the job's process was killed, most likely for its memory "
        "(limit 64 MiB), 2 times. Set LAPWING_INGEST_MEMORY to more and run the command again, or "
        "give it less to do."
    )


def test_a_worker_that_is_stopped_costs_its_job_no_try(
    redis: Redis, working: subprocess.Popen[bytes], slow: str
) -> None:
    job = queue.enqueue(queue.INGEST, redis, "x", {"source": slow})
    process_of(job, redis)
    working.terminate()
    assert working.wait(10) == 0
    assert queue.view(job, redis).status == "queued"
    assert redis.hget(f"rq:job:{job}", deaths.DEATHS) is None


@pytest.mark.usefixtures("working")
def test_a_command_that_is_none_does_not_keep_a_worker_from_hearing_the_next(
    redis: Redis, slow: str
) -> None:
    """RQ's thread would end at the first, and no job of this worker could be stopped any more."""
    job = queue.enqueue(queue.INGEST, redis, "x", {"source": slow})
    process_of(job, redis)
    (name,) = [name.decode() for name in redis.pubsub_channels("rq:pubsub:*")]
    for message in ("no command", "[]", '{"command": "stop-job"}'):
        redis.publish(name, message)
    assert queue.cancel(job, redis).status == "stopped"


@pytest.mark.usefixtures("working")
def test_the_command_line_of_a_jobs_process_holds_no_password(redis: Redis, slow: str) -> None:
    job = queue.enqueue(queue.INGEST, redis, "x", {"source": slow})
    line = Path(f"/proc/{process_of(job, redis)}/cmdline").read_text()
    assert "contract.jobs.work_horse" in line
    assert "s3cret" not in line
    assert queue.cancel(job, redis).status == "stopped"


@pytest.mark.usefixtures("working")
def test_a_job_that_is_cancelled_while_its_process_starts_is_stopped(
    redis: Redis, slow: str
) -> None:
    """Its worker has taken it from the queue, and its process has not said yet that it began."""
    job = queue.enqueue(queue.INGEST, redis, "x", {"source": slow})
    await_true(lambda: not queue.queue(queue.INGEST, redis).job_ids)
    assert queue.cancel(job, redis).status == "stopped"
    await_true(lambda: not running.of_job(job))
    assert queue.view(job, redis).status == "stopped"
