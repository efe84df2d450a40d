"""The job that makes the overviews and pictures of datasets."""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

import cv2

from contract.dataset import exclusions, overviews, store, store_catalog
from contract.dataset.store_catalog import StoreManifest, display_name
from contract.errors import StoreError
from contract.files import disk_space
from contract.jobs import queue
from contract.settings import load
from contract.storage import stores as object_stores
from ingest.overview import canvas, contact_sheet, steering_plot, summary
from ingest.overview.drive import read_drive
from ingest.settings import Settings

log = logging.getLogger(__name__)

OVERVIEW_BYTES: Final = 4 << 20
"""Bytes that an overview and its pictures take at most."""


def run(datasets: Sequence[str], pictures: bool = False) -> dict[str, Any]:
    """Make the overviews of datasets. RQ calls this in a process of its own.

    Args:
        datasets: names of datasets.
        pictures: whether the contact sheet and the steering curve are drawn, too.

    Returns:
        {"described": {...}}: the paths of the pictures of each dataset under `pictures`, and under
        `unreadable` why a dataset could not be described.
    """
    _, progress = queue.current_job()
    return {"described": describe(load(Settings, os.environ), datasets, pictures, progress)}


def describe(
    settings: Settings, datasets: Sequence[str], pictures: bool, progress: queue.Report
) -> dict[str, Any]:
    """Do the work of `run`. A dataset that cannot be read costs itself and no other."""
    cv2.setNumThreads(1)  # The threads below use all cores already.
    object_stores.pull(settings.data_dir)  # what other machines have imported
    drawn: dict[str, dict[str, str]] = {}
    unreadable: dict[str, str] = {}
    threads = settings.decode_threads or os.cpu_count() or 1
    needed_bytes = len(datasets) * OVERVIEW_BYTES
    with (
        disk_space.writing(settings.data_dir, "an overview", needed_bytes),
        ThreadPoolExecutor(threads, thread_name_prefix="measure") as executor,
    ):
        for dataset in datasets:
            try:
                manifest = store_catalog.read_manifest(
                    store_catalog.paths(settings.data_dir, dataset)[1]
                )
                paths = _describe(settings.data_dir, manifest, pictures, executor, progress)
                drawn[dataset] = {name: str(path) for name, path in paths.items()}
            except StoreError as error:
                log.warning("%s is not described: %s", dataset, error)
                unreadable[dataset] = str(error)
    return {"pictures": drawn, "unreadable": unreadable}


def _describe(
    data_dir: Path,
    manifest: StoreManifest,
    pictures: bool,
    executor: ThreadPoolExecutor,
    progress: queue.Report,
) -> dict[str, Path]:
    """Make the overview of one dataset unless there is one, and draw its pictures."""
    dataset, name = manifest.dataset, display_name(data_dir, manifest)
    with store.open_store(data_dir, manifest) as reader:
        overview = overviews.read(data_dir, dataset)
        if overview is None:
            progress(phase="examine", rows_done=0, rows_total=manifest.rows)
            overview = summary.summarize(
                data_dir, dataset, name, reader, executor, lambda done: progress(rows_done=done)
            )
            overviews.write(data_dir, overview)
        if not pictures:
            return {}
        progress(phase="draw")
        excluded = exclusions.read(data_dir, dataset)
        drive = read_drive(name, reader, summary.driven_steps(reader), overview, excluded)
        folder = overviews.folder(data_dir, dataset)
        paths = {
            "contact_sheet": folder / overviews.CONTACT_SHEET,
            "steering": folder / overviews.STEERING,
        }
        canvas.write_png(paths["contact_sheet"], contact_sheet.draw_contact_sheet(drive, reader))
        canvas.write_png(paths["steering"], steering_plot.draw_steering(drive))
        return paths
