"""The jobs of Lapwing: RQ with the JSON serializer, named by string, explicit timeouts.

KINDS is the table of them: what each is run by, where it waits, and for how long it may run.
A job whose process dies is run again (RETRIES times): all are idempotent, and the long ones resume.
What a worker runs is limited to these, whatever Redis says (worker.py).
"""

from __future__ import annotations

import contextlib
import re
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from redis import Redis
from redis.exceptions import RedisError
from rq import Callback, Queue, Retry, get_current_job
from rq.command import send_stop_job_command
from rq.exceptions import DuplicateJobError, InvalidJobOperation, NoSuchJobError
from rq.job import Job
from rq.serializers import JSONSerializer

from contract.errors import JobError

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
    "REPORT",
    "TRAIN",
    "JobType",
    "JobView",
    "Report",
    "cancel",
    "connect",
    "current_job",
    "enqueue",
    "enqueue_follow_up",
    "queue",
    "view",
    "views",
]

INGEST: Final = "ingest"
TRAIN: Final = "train"
IMPORT: Final = "import"
EXPLAIN: Final = "explain"
EVALUATE: Final = "evaluate"
GATE: Final = "gate"
REPORT: Final = "report"
COLLECT: Final = "collect"

EVALUATION: Final = "evaluate"
"""The queue of the evaluator's worker; those of ingest and trainer are INGEST and TRAIN."""


@dataclass(frozen=True)
class JobType:
    """What jobs of a kind have in common."""

    function: str
    """What a worker runs."""
    queue: str
    """Where they wait: who works on it has what they need."""
    timeout_s: int
    retries: int
    """How often a job whose process died is run again; what kills its reader does so again."""
    stopped: str = ""
    """What a worker calls once a job was stopped."""


DISCARD: Final = "trainer.jobs.cleanup.discard"
JOB_TYPES: Final = {
    INGEST: JobType("ingest.job.run", INGEST, 6 * 3600, 10),
    TRAIN: JobType("trainer.jobs.train.run", TRAIN, 48 * 3600, 10, DISCARD),
    IMPORT: JobType("trainer.jobs.import_model.run", TRAIN, 1800, 2, DISCARD),
    EXPLAIN: JobType("trainer.jobs.explain.run", TRAIN, 1800, 2, DISCARD),
    EVALUATE: JobType("evaluator.jobs.evaluate.run", EVALUATION, 12 * 3600, 10),
    GATE: JobType("evaluator.jobs.gate.run", EVALUATION, 6 * 3600, 10),
    REPORT: JobType("evaluator.jobs.report.run", EVALUATION, 1800, 2),
    COLLECT: JobType("evaluator.jobs.collect.run", EVALUATION, 6 * 3600, 2),
}
RESULT_TTL_S: Final = 30 * 24 * 3600
PROGRESS_EVERY_S: Final = 0.5
ENDED: Final = ("finished", "failed", "stopped", "canceled")

Report = Callable[..., None]
"""Called with keyword fields by a running job, as often as it likes."""


@dataclass(frozen=True)
class JobView:
    """A job as its user sees it."""

    id: str
    queue: str
    status: str
    """queued, started, finished, failed, stopped, canceled, deferred or scheduled."""
    progress: dict[str, Any]
    result: dict[str, Any] | None
    error: str
    """The last line of the traceback of a failed job."""
    created_at: str
    arguments: dict[str, Any]


def connect(url: str, password_file: Path | None = None) -> Redis:
    """Return a connection that answers.

    Raises:
        JobError: Redis cannot be reached, or refuses the password.
    """
    password = password_file.read_text().strip() if password_file else None
    connection = Redis.from_url(url, password=password) if password else Redis.from_url(url)
    try:
        connection.ping()
    except RedisError as error:
        raise JobError(
            f"Redis does not answer at {url}",
            got=error,
            remedy="Start Lapwing first: `lapwing up` or `docker compose up -d`",
        ) from error
    return connection


def queue(name: str, connection: Redis) -> Queue:
    """Return the queue `name`: INGEST, TRAIN or EVALUATION."""
    return Queue(name, connection=connection, serializer=JSONSerializer)


def enqueue(name: str, connection: Redis, label: str, arguments: Mapping[str, object]) -> str:
    """Queue a job of the kind `name` and return its id, which begins with that and `label`."""
    word = re.sub(r"[^a-z0-9]+", "-", label.lower()).strip("-")[:40]
    job_id = f"{name}-{word or 'all'}-{uuid.uuid4().hex[:6]}"
    _enqueue(name, connection, job_id, arguments)
    return job_id


def enqueue_follow_up(name: str, suffix: str, arguments: Mapping[str, object]) -> str:
    """Queue what is to come after the job that this process runs, and return its id.

    A job that is run again queues it once.
    """
    job = _current()
    job_id = f"{name}-{suffix}-{job.id.rsplit('-', 1)[-1]}"
    with contextlib.suppress(DuplicateJobError):
        _enqueue(name, job.connection, job_id, arguments)
    return job_id


def _enqueue(name: str, connection: Redis, job_id: str, arguments: Mapping[str, object]) -> None:
    kind = JOB_TYPES[name]
    queue(kind.queue, connection).enqueue_call(
        kind.function,
        kwargs=dict(arguments),
        job_id=job_id,
        unique=True,
        timeout=kind.timeout_s,
        result_ttl=RESULT_TTL_S,
        failure_ttl=RESULT_TTL_S,
        retry=Retry(max=kind.retries),
        on_stopped=Callback(kind.stopped) if kind.stopped else None,
    )


def view(job_id: str, connection: Redis) -> JobView:
    """Return one job.

    Raises:
        JobError: there is no such job.
    """
    job = _fetch(job_id, connection)
    status = job.get_status()  # before the result: RQ writes both at once, so an end has its reason
    latest = job.latest_result()
    text = (latest.exc_string or "") if latest else ""
    return JobView(
        id=job.id,
        queue=job.origin,
        status=str(getattr(status, "value", status)),
        progress=dict(job.meta.get("progress", {})),
        result=latest.return_value if latest else None,
        error=text.strip().splitlines()[-1] if text.strip() else "",
        created_at=job.created_at.isoformat(timespec="seconds"),
        arguments=dict(job.kwargs),
    )


def views(connection: Redis) -> list[JobView]:
    """List all jobs that Redis still knows, newest first."""
    ids: set[str] = set()
    for name in sorted({kind.queue for kind in JOB_TYPES.values()}):
        one = queue(name, connection)
        ids.update(one.get_job_ids())
        for registry in (
            one.started_job_registry,
            one.finished_job_registry,
            one.failed_job_registry,
            one.canceled_job_registry,
            one.scheduled_job_registry,
        ):
            ids.update(registry.get_job_ids(cleanup=False))
    found = []
    for job_id in ids:
        try:
            found.append(view(job_id, connection))
        except JobError:  # it expired between the two looks
            continue
    return sorted(found, key=lambda each: (each.created_at, each.id), reverse=True)


def cancel(job_id: str, connection: Redis, timeout_s: float = 10.0) -> JobView:
    """Take a queued job off its queue, or stop a running one; return it as it ended.

    Raises:
        JobError: there is no such job, it has ended already, or its worker does not let go of it.
    """
    job = _fetch(job_id, connection)
    status = view(job_id, connection).status
    if status in ENDED:
        raise JobError("the job has ended already", got=f"{job_id}: {status}")
    try:
        send_stop_job_command(connection, job_id, serializer=JSONSerializer)
    except InvalidJobOperation:  # nobody runs it
        job.cancel()
    deadline = time.monotonic() + timeout_s
    while (seen := view(job_id, connection)).status not in ENDED:
        if time.monotonic() > deadline:
            raise JobError(
                "the job's worker did not answer",
                got=f"{job_id}: {seen.status}",
                remedy="If the worker was killed, the job is taken up again within two minutes; "
                "cancel it then",
            )
        time.sleep(0.1)
    return seen


def _fetch(job_id: str, connection: Redis) -> Job:
    try:
        return Job.fetch(job_id, connection=connection, serializer=JSONSerializer)
    except NoSuchJobError:
        raise JobError("no such job", got=job_id, remedy="lapwing jobs lists them") from None


def current_job() -> tuple[str, Report]:
    """Return the id of the job that this process runs, and where to report its progress."""
    return str(_current().id), _reporter(_current())


def _current() -> Job:
    job = get_current_job()
    if job is None:
        raise JobError("this process runs no job", remedy="Queue it instead of calling it")
    return job


def _reporter(job: Job) -> Report:
    last_s = -PROGRESS_EVERY_S

    def report(**fields: object) -> None:
        nonlocal last_s
        progress = job.meta.setdefault("progress", {})
        turned = fields.get("phase", progress.get("phase")) != progress.get("phase")
        progress.update(fields)
        if turned or time.monotonic() - last_s >= PROGRESS_EVERY_S:
            job.save_meta()
            last_s = time.monotonic()

    return report
