"""Queues the jobs of Lapwing, shows them and cancels them.

The queues are RQ's, with the JSON serializer. A job names its function by a string. `JOB_TYPES` is
the table of all types of jobs: which function runs a job, in which of the three queues it waits,
how long it may run, and how often it is retried. A job whose process dies is run again: all jobs
give the same result when they are run twice, and the long ones resume. A worker runs only the
functions of this table, even if Redis holds a job with another one (see worker.py).
"""

from __future__ import annotations

import contextlib
import re
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from redis import Redis
from redis.exceptions import RedisError
from rq import Callback, Queue, Retry, get_current_job
from rq.command import send_stop_job_command
from rq.exceptions import DuplicateJobError, InvalidJobOperation, NoSuchJobError
from rq.job import Job
from rq.serializers import JSONSerializer

from contract import redis_client
from contract.errors import JobError
from contract.jobs import deaths
from contract.redis_client import START, make_client
from contract.setting_forms import mask
from contract.watchdog import Watchdog

__all__ = [
    "COLLECT",
    "ENDED",
    "EVALUATE",
    "EVALUATION",
    "EXPLAIN",
    "GATE",
    "IMPORT",
    "INGEST",
    "JOB_TYPES",
    "OVERVIEW",
    "PROGRESS_INTERVAL_S",
    "RECORD",
    "REPORT",
    "SHADOW",
    "TRAIN",
    "JobType",
    "JobView",
    "Report",
    "cancel",
    "connect",
    "current_job",
    "enqueue",
    "enqueue_follow_up",
    "is_final",
    "queue",
    "view",
    "views",
]

INGEST: Final = "ingest"
OVERVIEW: Final = "overview"
TRAIN: Final = "train"
IMPORT: Final = "import"
EXPLAIN: Final = "explain"
EVALUATE: Final = "evaluate"
GATE: Final = "gate"
REPORT: Final = "report"
COLLECT: Final = "collect"
SHADOW: Final = "shadow"
RECORD: Final = "record"

EVALUATION: Final = "evaluate"
"""Name of the evaluator's queue. The names of the other two are INGEST and TRAIN.

The trainer's queue TRAIN also holds the jobs IMPORT and EXPLAIN, and that of ingest OVERVIEW."""


@dataclass(frozen=True)
class JobType:
    """Says how jobs of one type are run."""

    function: str
    """Dotted name of the function that a worker runs."""
    queue: str
    """Name of the queue in which the jobs wait; its worker has the libraries that they need."""
    timeout_s: int
    """Longest time that a job may run, in seconds."""
    retries: int
    """Maximum number of times that a job is run again after its process died.

    It is low where a file that kills the process once will probably do so again."""
    on_stopped: str = ""
    """Dotted name of the function that a worker calls after a job was stopped; "" for none."""


CLEAN_UP: Final = "trainer.jobs.cleanup.discard"
DISCARD_RECORDING: Final = "evaluator.jobs.cleanup.discard"
JOB_TYPES: Final = {
    INGEST: JobType("ingest.job.run", INGEST, 6 * 3600, 10),
    OVERVIEW: JobType("ingest.overview.job.run", INGEST, 3600, 2),
    TRAIN: JobType("trainer.jobs.train.run", TRAIN, 48 * 3600, 10, CLEAN_UP),
    IMPORT: JobType("trainer.jobs.import_model.run", TRAIN, 1800, 2, CLEAN_UP),
    EXPLAIN: JobType("trainer.jobs.explain.run", TRAIN, 1800, 2, CLEAN_UP),
    EVALUATE: JobType("evaluator.jobs.evaluate.run", EVALUATION, 12 * 3600, 10),
    GATE: JobType("evaluator.jobs.gate.run", EVALUATION, 6 * 3600, 10),
    REPORT: JobType("evaluator.jobs.report.run", EVALUATION, 1800, 2),
    COLLECT: JobType("evaluator.jobs.collect.run", EVALUATION, 6 * 3600, 2),
    SHADOW: JobType("evaluator.jobs.shadow.run", EVALUATION, 2 * 3600, 2),
    RECORD: JobType("evaluator.jobs.record.run", EVALUATION, 6 * 3600, 2, DISCARD_RECORDING),
}
RESULT_TTL_S: Final = 30 * 24 * 3600
"""Time in seconds for which Redis keeps the result of a job."""
PROGRESS_INTERVAL_S: Final = 0.5
"""Shortest time in seconds between two writes of a job's progress to Redis."""
ENDED: Final = ("finished", "failed", "stopped", "canceled")
"""States of a job that has ended."""

Report = Callable[..., None]
"""Reports the progress of a job: called with keyword arguments, as often as the job likes."""


@dataclass(frozen=True)
class JobView:
    """Shows a job to the user."""

    id: str
    queue: str
    status: str
    """One of queued, started, finished, failed, stopped, canceled, deferred and scheduled."""
    progress: dict[str, Any]
    result: dict[str, Any] | None
    error: str
    """Last line of the traceback of a failed job, otherwise ""."""
    created_at: str
    arguments: dict[str, Any]


def connect(
    url: str, password_file: str = "", remedy: str = START, *, reading: bool = False
) -> Redis:
    """Connect to Redis, and check that it answers.

    Args:
        url: address of Redis.
        password_file: path of the file that holds its password; "" for none.
        remedy: what the error for a Redis that does not answer advises.
        reading: whether it is enough that Redis tells what it holds.

    Raises:
        SettingError: the address is none, or the file cannot be read.
        JobError: Redis cannot be reached, or it refuses the password.
        DiskFullError: Redis takes no jobs, because it cannot write to its disk.
    """
    connection = make_client(url, password_file)
    try:
        connection.ping()
    except RedisError as error:
        if not (reading and redis_client.takes_no_changes(error)):
            raise redis_client.describe(error, f" at {mask(url)}", remedy) from error
    return connection


def queue(name: str, connection: Redis) -> Queue:
    """Return the queue `name`: INGEST, TRAIN or EVALUATION."""
    return Queue(name, connection=connection, serializer=JSONSerializer)


def enqueue(job_type: str, connection: Redis, label: str, arguments: Mapping[str, object]) -> str:
    """Queue a job and return its id.

    Args:
        job_type: a key of JOB_TYPES, with which the id begins.
        connection: connection to Redis.
        label: text that follows in the id, so that people recognize the job.
        arguments: keyword arguments of the job's function.
    """
    word = re.sub(r"[^a-z0-9]+", "-", label.lower()).strip("-")[:40]
    job_id = f"{job_type}-{word or 'all'}-{uuid.uuid4().hex[:6]}"
    _enqueue(job_type, connection, job_id, arguments)
    return job_id


def enqueue_follow_up(job_type: str, label: str, arguments: Mapping[str, object]) -> str:
    """Queue a job that follows the job of this process, and return its id.

    The follow-up is queued only once, even if the job of this process is run again.

    Args:
        job_type: a key of JOB_TYPES, with which the id begins.
        label: text that follows in the id.
        arguments: keyword arguments of the follow-up's function.
    """
    job = _current()
    job_id = f"{job_type}-{label}-{job.id.rsplit('-', 1)[-1]}"
    with contextlib.suppress(DuplicateJobError):
        _enqueue(job_type, job.connection, job_id, arguments)
    return job_id


def _enqueue(name: str, connection: Redis, job_id: str, arguments: Mapping[str, object]) -> None:
    job_type = JOB_TYPES[name]
    queue(job_type.queue, connection).enqueue_call(
        job_type.function,
        kwargs=dict(arguments),
        job_id=job_id,
        unique=True,
        timeout=job_type.timeout_s,
        result_ttl=RESULT_TTL_S,
        failure_ttl=RESULT_TTL_S,
        retry=Retry(max=job_type.retries),
        on_stopped=Callback(job_type.on_stopped) if job_type.on_stopped else None,
    )


def view(job_id: str, connection: Redis) -> JobView:
    """Return what the user may know of a job.

    Raises:
        JobError: there is no such job.
    """
    job = _fetch(job_id, connection)
    # The status is read before the result. RQ writes both at once, so a job that has ended always
    # has its reason.
    status = job.get_status()
    latest = job.latest_result()
    traceback = (latest.exc_string or "") if latest else ""
    return JobView(
        id=job.id,
        queue=job.origin,
        status=str(getattr(status, "value", status)),
        progress=dict(job.meta.get("progress", {})),
        result=latest.return_value if latest else None,
        error=traceback.strip().splitlines()[-1] if traceback.strip() else "",
        created_at=job.created_at.isoformat(timespec="seconds"),
        arguments=dict(job.kwargs),
    )


def views(connection: Redis) -> list[JobView]:
    """Return all jobs that Redis still keeps, newest first."""
    # The jobs' own keys are read, not RQ's queues and registries. A job that moves from one of
    # those to another could be missed in both, and one that a worker takes is in none for a moment.
    queues = {job_type.queue.encode() for job_type in JOB_TYPES.values()}
    prefix = Job.redis_job_namespace_prefix
    keys = set(connection.scan_iter(match=f"{prefix}*", count=1000, _type="hash"))
    jobs = []
    for key in keys:
        if connection.hget(key, "origin") not in queues:  # another program's job
            continue
        try:
            jobs.append(view(key.decode().removeprefix(prefix), connection))
        except JobError:  # the job expired after the keys were read
            continue
    return sorted(jobs, key=lambda job: (job.created_at, job.id), reverse=True)


def cancel(job_id: str, connection: Redis, timeout_s: float = 10.0) -> JobView:
    """Remove a job from its queue, or stop it if it runs; return the job after it has ended.

    Args:
        job_id: id of the job.
        connection: connection to Redis.
        timeout_s: longest time in seconds to wait for the worker to stop the job.

    Raises:
        JobError: there is no such job, it has ended already, or its worker does not stop it.
    """
    job = _fetch(job_id, connection)
    status = view(job_id, connection).status
    if status in ENDED:
        raise JobError("the job has ended already", got=f"{job_id}: {status}")
    patience = Watchdog(timeout_s, 1.0)
    while (job_view := view(job_id, connection)).status not in ENDED:
        _cancel_or_stop(job)
        patience.look()
        if patience.is_expired:
            raise JobError(
                "the job's worker did not answer",
                got=f"{job_id}: {job_view.status}",
                remedy="If the worker was killed, another one takes the job within two minutes; "
                "cancel it then",
            )
        time.sleep(0.1)
    return job_view


def _cancel_or_stop(job: Job) -> None:
    """Cancel a job that waits in its queue; ask the worker of any other one to stop it.

    A job that its worker has just taken has no process yet. If it were marked as cancelled then,
    its process would begin nevertheless, and nobody would know of it: so it is asked again until
    there is one to stop.
    """
    waits = queue(job.origin, job.connection).key
    if job.connection.lrem(waits, 1, job.id) or job.get_status() in ("deferred", "scheduled"):
        job.cancel()
        return
    with contextlib.suppress(InvalidJobOperation):  # no process has begun it yet
        send_stop_job_command(job.connection, job.id, serializer=JSONSerializer)


def _fetch(job_id: str, connection: Redis) -> Job:
    try:
        return Job.fetch(job_id, connection=connection, serializer=JSONSerializer)
    except NoSuchJobError:
        raise JobError("no such job", got=job_id, remedy="lapwing jobs lists them") from None


def current_job() -> tuple[str, Report]:
    """Return the id of the job that this process runs, and a function that reports its progress.

    Raises:
        JobError: this process runs no job.
    """
    return str(_current().id), _reporter(_current())


def is_final(error: BaseException) -> bool:
    """Tell whether the job of this process is not run again after this error."""
    return deaths.is_final(_current(), error)


def _current() -> Job:
    job = get_current_job()
    if job is None:
        raise JobError("this process runs no job", remedy="Queue it instead of calling it")
    return job


def _reporter(job: Job) -> Report:
    last_s = -PROGRESS_INTERVAL_S

    def report(**fields: object) -> None:
        nonlocal last_s
        progress = job.meta.setdefault("progress", {})
        new_phase = fields.get("phase", progress.get("phase")) != progress.get("phase")
        progress.update(fields)
        if new_phase or time.monotonic() - last_s >= PROGRESS_INTERVAL_S:
            job.save_meta()
            last_s = time.monotonic()

    return report
