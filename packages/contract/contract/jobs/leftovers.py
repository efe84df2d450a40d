"""Removes files that nobody needs any more, because the job or the command they were for has ended.

A job that is killed, cancelled in its queue or given up by RQ runs no code of its own at its end,
so its files stay. Each worker removes them when it starts, and after each job.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

from redis import Redis
from redis.exceptions import RedisError

from contract.files import atomic_files, locks
from contract.jobs import queue
from contract.jobs.queue import ENDED, JobView

__all__ = ["BATCH", "Sweep", "attempt", "remove_temporary", "sweep_inbox", "unended"]

log = logging.getLogger(__name__)

Sweep = Callable[[Redis], None]
"""Removes what is left of a service's jobs."""
GIVEN_UP: Final = ("failed", "stopped", "canceled")
"""States of a job that has ended and made nothing that a later one may need."""
BATCH: Final = 100
"""Number of folders that are locked at the same time; each takes a file descriptor."""


def attempt(sweep: Sweep, connection: Redis) -> None:
    """Sweep; what cannot be removed now is logged, and tried again after the next job.

    The jobs themselves do not depend on it.
    """
    try:
        sweep(connection)
    except (OSError, RedisError) as error:
        log.warning("files of jobs that have ended are left: %s", error)


def unended(connection: Redis) -> list[JobView]:
    """Return the jobs that wait or run."""
    return [job for job in queue.views(connection) if job.status not in ENDED]


def remove_temporary(folder: Path) -> None:
    """Remove the temporary files and folders in a folder whose writers have died."""
    for path in atomic_files.temporary_paths(folder):
        locks.remove_abandoned(path)


def sweep_inbox(inbox: Path, connection: Redis) -> None:
    """Remove the folders of an inbox that no job needs, and that no command fills.

    A folder belongs to the jobs that name a file in it, and to the job whose id it has as its name:
    such a job made it, for a later one.
    """
    folders = sorted(inbox.glob("*"))
    for first in range(0, len(folders), BATCH):
        _sweep_folders(folders[first : first + BATCH], connection)


def _sweep_folders(folders: Sequence[Path], connection: Redis) -> None:
    with ExitStack() as stack:
        # A command holds its folder until the job is queued. So the jobs are read after the locks
        # were taken: each folder is then held, or named by a job, or left.
        free = [path for path in folders if stack.enter_context(locks.try_lock(path))]
        if not free:
            return
        jobs = queue.views(connection)
        needed = {job.id for job in jobs if job.status not in GIVEN_UP}
        for job in jobs:
            if job.status not in ENDED:
                needed |= set(_path_parts(job.arguments))
        for path in free:
            if path.name not in needed:
                locks.remove(path)


def _path_parts(value: Any) -> Iterator[str]:  # noqa: ANN401 - it is JSON
    """Yield the parts of all paths in a job's arguments; the name of a folder is in no other."""
    if isinstance(value, str):
        yield from Path(value).parts
    elif isinstance(value, dict):
        for item in value.values():
            yield from _path_parts(item)
    elif isinstance(value, list):
        for item in value:
            yield from _path_parts(item)
