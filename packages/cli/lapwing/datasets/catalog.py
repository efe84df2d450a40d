"""What `lapwing datasets` knows of each dataset: its figures, its files, and who uses it.

The figures of a dataset come from its overview, which ingest makes: this program has neither NumPy
nor PyTables. Everything else stands in small files on the two volumes.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from contract import printing
from contract.dataset import dataset_files, dataset_labels, exclusions, overviews, store_catalog
from contract.errors import DiskFullError, JobError, ModelError, StoreError
from contract.jobs import queue, worker
from contract.models.registry import Registry
from lapwing.jobs.follow import follow
from lapwing.output.datasets import DatasetEntry
from lapwing.settings import Settings


def read_entries(settings: Settings) -> list[DatasetEntry]:
    """Return all datasets, oldest first, and after them those that cannot be read."""
    data = settings.data
    stores = store_catalog.read_stores(data)
    users, _ = read_users(settings)
    entries = []
    for manifest in stores.manifests:
        dataset, overview = manifest.dataset, overviews.read(data, manifest.dataset)
        try:
            name = store_catalog.display_name(data, manifest)
            excluded = exclusions.read(data, dataset).lines
            unreadable = ""
        except StoreError as error:
            name, excluded, unreadable = str(manifest.source["name"]), (), str(error)
        entries.append(
            DatasetEntry(
                dataset,
                name,
                manifest.rows,
                None if overview is None else exclusions.count_lines(excluded, overview.lines),
                dataset_files.count_bytes(data, dataset),
                manifest.created_at,
                users.get(dataset, []),
                overview,
                unreadable,
            )
        )
    for dataset, reason in stores.unreadable.items():
        size = dataset_files.count_bytes(data, dataset)
        name = dataset_labels.read(data, dataset) or dataset
        entries.append(
            DatasetEntry(dataset, name, 0, None, size, "", users.get(dataset, []), None, reason)
        )
    return entries


def read_users(settings: Settings) -> tuple[dict[str, list[int]], dict[int, str]]:
    """Return the versions that were trained on each dataset, and the versions that do not say.

    The second answer gives for each version whose manifest cannot be read the reason.
    """
    registry = Registry(settings.models)
    users: dict[str, list[int]] = {}
    silent: dict[int, str] = {}
    for version in registry.versions():
        try:
            for entry in registry.manifest(version).data:
                users.setdefault(str(entry["dataset"]), []).append(version)
        except ModelError as error:
            silent[version] = str(error)
    return users, silent


def find(data: Path, name: str) -> str:
    """Return the dataset that a name means.

    Args:
        data: the data volume.
        name: the dataset's own name, its label, or the name of its recording.

    Raises:
        StoreError: no dataset has this name, or several have it.
    """
    if name in [path.stem for path in store_catalog.manifest_paths(data)]:
        return name
    stores = store_catalog.select_stores(data, [name])
    matches = [*(manifest.dataset for manifest in stores.manifests), *stores.unreadable]
    if len(matches) > 1:
        raise StoreError(
            f"several datasets are called {name}",
            got=", ".join(matches),
            remedy="Use one of these names",
        )
    return matches[0]


def selecting_names(data: Path, without: str) -> dict[str, str]:
    """Return all names that select a dataset other than `without`, and for each the dataset."""
    names: dict[str, str] = {}
    stores = store_catalog.read_stores(data)
    for manifest in stores.manifests:
        if manifest.dataset != without:
            names[store_catalog.display_name(data, manifest)] = manifest.dataset
            names[manifest.dataset] = manifest.dataset
    for dataset in stores.unreadable:
        if dataset != without:
            label = dataset_labels.read(data, dataset)
            names |= {word: dataset for word in (dataset, label) if word is not None}
    return names


def describe_missing(
    settings: Settings, datasets: Sequence[str], wait: bool | None, as_json: bool
) -> str:
    """Have ingest make the overviews that are missing, and say why some still are; "" if none.

    By default, the command waits unless other jobs are before its own: an import may take hours.

    Args:
        settings: the settings of the command line.
        datasets: datasets whose manifests can be read.
        wait: whether to wait; None means the default.
        as_json: tells that a JSON document goes to standard output.

    Raises:
        JobError: the job failed.
    """
    missing = [dataset for dataset in datasets if overviews.read(settings.data, dataset) is None]
    if not missing:
        return ""
    try:
        connection = settings.connect()
    except (JobError, DiskFullError) as error:
        return f"The figures of {', '.join(missing)} are not known yet: {error}"
    if not worker.is_listening(queue.INGEST, connection):
        return (
            f"The figures of {', '.join(missing)} are not known yet: no ingest worker runs. Start "
            "Lapwing: `lapwing up` or `docker compose up -d`"
        )
    busy = [
        view.id
        for view in queue.views(connection)
        if view.queue == queue.INGEST and view.status not in queue.ENDED
    ]
    job_id = queue.enqueue(queue.OVERVIEW, connection, missing[0], {"datasets": missing})
    if wait is False or (wait is None and busy):
        before = f" after {', '.join(busy)}" if busy else ""
        return f"The figures of {', '.join(missing)} are computed by {job_id}{before}"
    result = follow(job_id, connection, printing.message_console(as_json))["described"]
    return "  ".join(f"{name}: {reason}" for name, reason in result["unreadable"].items())


def running_jobs(settings: Settings, queues: Sequence[str]) -> list[Any]:
    """Return the jobs of some queues that wait or run; none if Redis does not answer.

    Without Redis no worker can take a job.
    """
    try:
        connection = settings.connect(reading=True)
    except JobError:
        return []
    return [
        view
        for view in queue.views(connection)
        if view.queue in queues and view.status not in queue.ENDED
    ]
