"""Runs a real worker in a process of its own, and waits for its jobs."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from redis import Redis

from contract.jobs import queue
from contract.jobs.lapwing_worker import LapwingWorker
from support.waiting import await_true

LIMIT_S = 60.0


@contextmanager
def working(
    service: str,
    redis: Redis,
    socket: Path,
    variables: Mapping[str, str],
    wrap: Callable[[Sequence[str]], Sequence[str]] = lambda command: command,
) -> Iterator[subprocess.Popen[bytes]]:
    """Run the worker of a service until the `with` block ends; `wrap` may change its command."""
    queue_name = {"ingest": queue.INGEST, "trainer": queue.TRAIN}.get(service, queue.EVALUATION)
    environ = {
        **os.environ,
        "LAPWING_REDIS_URL": f"unix://{socket}",
        "LAPWING_REDIS_PASSWORD_FILE": "",
        **variables,
    }
    # A worker that a test before has killed is listed until its registration expires.
    listed = {each.name for each in workers(queue_name, redis)}

    def waits_for_jobs() -> bool:
        """Return whether the worker has begun to work: from then on a signal ends it in order."""
        new = (each for each in workers(queue_name, redis) if each.name not in listed)
        return any(each.get_state() == "idle" for each in new)

    process = subprocess.Popen(wrap([sys.executable, "-P", "-m", service]), env=environ)
    try:
        await_true(lambda: waits_for_jobs() or process.poll() is not None)
        yield process
        process.terminate()
        assert process.wait(LIMIT_S) == 0
    finally:
        process.kill()
        process.wait()


def workers(queue_name: str, redis: Redis) -> list[LapwingWorker]:
    """List the workers of a queue."""
    return LapwingWorker.all(queue=queue.queue(queue_name, redis))


def await_end(job: str, redis: Redis) -> queue.JobView:
    await_true(lambda: queue.view(job, redis).status in queue.ENDED)
    return queue.view(job, redis)
