"""Provides the simulated laps that `lapwing train --with-simulator` adds to a person's recordings.

The evaluator, which has the simulator, records a lap and queues its import; so it is the same in
containers. A lap that is imported already is not recorded again: its number decides everything
about it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from pathlib import Path

from redis import Redis

from contract import printing
from contract.dataset import store_catalog
from contract.errors import JobError, RecordingError
from contract.jobs import queue
from contract.printing import TextConsole
from contract.recordings import reserved_names
from lapwing.jobs.follow import follow, require_worker


def find(data: Path) -> list[str]:
    """Return the datasets of all simulated laps on the data volume that can be read."""
    stores = store_catalog.read_stores(data)
    datasets = [manifest.dataset for manifest in stores.manifests]
    return [dataset for dataset in datasets if reserved_names.is_simulated_dataset(dataset)]


def provide(data: Path, count: int, connection: Redis, console: TextConsole) -> list[str]:
    """Return the datasets of the laps 1 to `count`, after those that are missing were recorded.

    Ctrl-C cancels what is not recorded yet, and removes what is half recorded. Laps that are
    recorded are imported nevertheless, and kept.

    Args:
        data: path of the data volume.
        count: number of laps.
        connection: connection to Redis.
        console: the console that shows the progress.

    Raises:
        JobError: no worker runs, or a job failed.
        RecordingError: a lap was not imported.
    """
    missing = [number for number in range(1, count + 1) if _dataset(data, number) is None]
    if missing:
        for name in (queue.EVALUATION, queue.INGEST):
            require_worker(name, connection)
        printing.print_line(
            console,
            ("Record", "bold"),
            f" {len(missing)} simulated laps, which are kept for later trainings.",
        )
        _record(missing, connection, console)
    laps = {number: _dataset(data, number) for number in range(1, count + 1)}
    lost = [reserved_names.simulated_recording(number) for number in laps if laps[number] is None]
    if lost:
        raise RecordingError(
            "simulated laps were recorded, but are not on the data volume",
            got=", ".join(lost),
            remedy="`lapwing jobs` and `lapwing logs ingest` may tell why",
        )
    return [lap for lap in laps.values() if lap is not None]


def _dataset(data: Path, number: int) -> str | None:
    """Return the newest dataset of a lap, or None if it is not imported."""
    name = reserved_names.simulated_recording(number)
    laps = [dataset for dataset in find(data) if dataset.rpartition("-")[0] == name]
    return laps[-1] if laps else None


def _record(numbers: Sequence[int], connection: Redis, console: TextConsole) -> None:
    """Have laps recorded and imported. All jobs are queued at once, so that no worker waits."""
    jobs: list[str] = []
    try:
        for number in numbers:
            name = reserved_names.simulated_recording(number)
            jobs.append(queue.enqueue(queue.RECORD, connection, name, {"number": number}))
        for job in jobs:
            recorded = follow(job, connection, console)
            imported = follow(recorded["ingest"], connection, console)
            for failed in imported.get("failed", []):
                raise RecordingError(f"{failed['recording']} was not imported: {failed['error']}")
    except BaseException:
        for job in jobs:
            with contextlib.suppress(JobError):  # It has ended.
                queue.cancel(job, connection)
        raise
