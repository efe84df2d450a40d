"""Counts how often a job ended its own process, so that it is not run again and again.

A job whose worker dies too, as when the machine is switched off, is run again as often as its type
says. But a job whose process alone dies, while its worker goes on, has most likely used up the
memory: it will do so each time, and take the machine with it. Such a job has two tries.
"""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Final

from redis.exceptions import RedisError
from rq.job import Job

from contract.errors import ClusterLostError, LapwingError, ReaderDiedError, StorageError
from contract.setting_forms import read_size

__all__ = [
    "DEATHS",
    "TRIES",
    "counts",
    "describe_killed",
    "describe_memory",
    "is_final",
    "is_last_try",
    "memory_bound",
]

TRIES: Final = 2
DEATHS: Final = "lapwing_deaths"
"""Field of the job's hash in Redis with the number of its deaths; it expires with the job."""
MEMORY_SETTINGS: Final = {
    "ingest": "LAPWING_INGEST_MEMORY",
    "train": "LAPWING_TRAINER_MEMORY",
    "evaluate": "LAPWING_EVALUATOR_MEMORY",
}
"""The setting with the bound of each queue's worker, by the name of the queue."""
CGROUP_LIMIT: Final = Path("/sys/fs/cgroup/memory.max")
"""In a container, the file that holds the bound of its memory."""


FROM_OUTSIDE: Final = (RedisError, OSError, EOFError)
"""Errors that another run may not have: the disk, the network, another process."""


def is_final(job: Job, error: BaseException) -> bool:
    """Tell whether a job is not run again after an error that is not counted yet.

    A LapwingError says what is wrong with what the user gave: a second run would raise it again.
    Retries are for failures from outside, such as a process that was killed, or a Redis that did
    not answer. What is most likely a lack of memory, or a fault of our own, has TRIES tries.
    """
    if isinstance(error, LapwingError) and not isinstance(
        error, ReaderDiedError | ClusterLostError | StorageError
    ):
        return True
    if not job.retries_left:
        return True
    deaths = int(job.connection.hget(job.key, DEATHS) or 0)
    return counts(error) and deaths + 1 >= TRIES


def counts(error: BaseException) -> bool:
    """Tell whether an error counts as a death: it is one, or a fault of our own."""
    if isinstance(error, ReaderDiedError | MemoryError):
        return True
    return isinstance(error, Exception) and not isinstance(error, (LapwingError, *FROM_OUTSIDE))


def is_last_try(job: Job) -> bool:
    """Count one more death of a job's process, and tell whether it may not be run again."""
    return bool(job.connection.hincrby(job.key, DEATHS, 1) >= TRIES)


def describe_killed(queue_name: str, number: int) -> tuple[str, str]:
    """Return what killed a job's process, as a clause, and the remedy.

    Args:
        queue_name: the queue of the job.
        number: the signal that ended the process.
    """
    name = signal.Signals(number).name
    if number != signal.SIGKILL:
        return f"the job's process died of {name}", "Its worker's log may tell more"
    what, remedy = describe_memory(queue_name)
    return f"the job's process was killed, most likely for its memory ({what})", remedy


def describe_memory(queue_name: str) -> tuple[str, str]:
    """Return the bound of the memory of a queue's jobs, as a clause, and a remedy."""
    bound = memory_bound(queue_name)
    what = f"limit {bound / (1 << 20):,.0f} MiB" if bound else "no limit is set"
    setting = MEMORY_SETTINGS.get(queue_name, "the bound of its memory")
    return what, f"Set {setting} to more and run the command again, or give it less to do"


def memory_bound(queue_name: str) -> int:
    """Return the bytes that the worker of a queue and its jobs may use together; 0 for no bound.

    `lapwing up` sets the bound in the environment, and docker-compose.yml that of the container.
    """
    text = os.environ.get(MEMORY_SETTINGS.get(queue_name, ""), "")
    if text:
        return read_size(text)
    try:
        text = CGROUP_LIMIT.read_text().strip()
    except OSError:  # There is no such file outside of containers.
        return 0
    return int(text) if text.isdecimal() else 0
