"""The import job: it writes recordings into frame stores, and skips those that it knows."""

from __future__ import annotations

import hashlib
import logging
import os
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

import cv2

from contract.dataset import store, store_catalog
from contract.dataset.overlap import Overlap, compare
from contract.dataset.row_identity import RowIds
from contract.dataset.store import ABSENT
from contract.dataset.store_catalog import StoreManifest
from contract.errors import LapwingError, RecordingError, StorageError, StoreError
from contract.files import atomic_files, disk_space, inbox, locks
from contract.frames import spec
from contract.jobs import queue
from contract.recordings import archive, reject_reasons
from contract.recordings.archive import Recording
from contract.recordings.driving_log import Log, Rejection, Row
from contract.recordings.log_text import is_image
from contract.recordings.steering_unit import RECORDER_UNIT
from contract.settings import load
from contract.storage import stores as object_stores
from contract.vehicle import CAMERA_NAMES
from ingest import import_report, leftovers, store_writer
from ingest.decoder import decode
from ingest.settings import Settings
from ingest.store_writer import StoreWriter

log = logging.getLogger(__name__)

MIN_SHARED_ROWS: Final = 15
"""Smallest number of common rows, one second of driving, that counts as an overlap."""


def run(
    source: str,
    name: str | None = None,
    max_reject_share: float | None = None,
    staged: bool = False,
    full_lock: float = RECORDER_UNIT,
) -> dict[str, Any]:
    """Import every recording of a folder or archive. RQ calls this in a process of its own.

    Args:
        source: path of the folder, zip file or tar file.
        name: name of the dataset; by default, it is the name of the source.
        max_reject_share: a value that replaces that of LAPWING_MAX_REJECT_SHARE.
        staged: tells that the source is a copy in the inbox, which is removed afterwards.
        full_lock: the value of the steering at full lock, 25 for degrees.

    Returns:
        Under "imports", the result of each recording that was imported. Under "failed", the name of
        each other recording, and the error.

    Raises:
        LapwingError: no recording can be imported: it cannot be read or stored, or too many of its
            rows are bad.
    """
    _, progress = queue.current_job()
    settings = load(Settings, os.environ)
    limit = settings.max_reject_share if max_reject_share is None else max_reject_share
    copies = [Path(source)] if staged else []
    with inbox.kept_for_retries(copies, settings.data_dir / inbox.RECORDINGS, queue.is_final):
        outcomes = import_source(settings, Path(source), name, limit, progress, full_lock)
    return {
        "imports": [outcome for outcome in outcomes if "error" not in outcome],
        "failed": [outcome for outcome in outcomes if "error" in outcome],
    }


def import_source(
    settings: Settings,
    source: Path,
    name: str | None,
    limit: float,
    progress: queue.Report,
    full_lock: float = RECORDER_UNIT,
    environ: Mapping[str, str] = os.environ,
) -> list[dict[str, Any]]:
    """Import every recording of `source` by itself, so that a bad one does not stop the others.

    Args:
        settings: the settings of ingest.
        source: path of the folder, zip file or tar file.
        name: name of the dataset; None means the name of the source.
        limit: largest share of a recording's rows that may be bad.
        progress: is called with the progress.
        full_lock: the value of the steering at full lock, 25 for degrees.
        environ: the environment, with the settings of the object store.

    Returns:
        The result of each recording. If it could not be imported, that is its name as "recording"
        and its "error".

    Raises:
        LapwingError: no recording was imported; it says why.
    """
    cv2.setNumThreads(1)  # The threads below use all cores already.
    threads = settings.decode_threads or os.cpu_count() or 1
    object_stores.pull(settings.data_dir, environ)  # what another machine has imported
    with (
        archive.open_recordings(source, settings.data_dir / leftovers.UNPACKED, name) as recordings,
        ThreadPoolExecutor(threads, thread_name_prefix="decode") as executor,
    ):
        outcomes: list[dict[str, Any]] = []
        errors: list[LapwingError] = []
        for number, recording in enumerate(recordings, 1):
            progress(phase="read", recording=f"{recording.name} ({number}/{len(recordings)})")
            importer = RecordingImport(
                settings.data_dir, recording, limit, progress, threads, full_lock, environ
            )
            try:
                outcomes.append(importer.run(executor))
            except StorageError:
                raise  # The job is run again, and finds what is done.
            except LapwingError as error:  # The job tells it when the others are done.
                outcomes.append({"recording": recording.name, "error": str(error)})
                errors.append(error)
        if len(errors) < len(outcomes):
            return outcomes
        if len(errors) == 1:
            raise errors[0]
        raise RecordingError(
            f"none of the {len(errors)} recordings can be imported",
            got=" ".join(f"{outcome['recording']}: {outcome['error']}" for outcome in outcomes),
        )


class RecordingImport:
    """The import of one recording into the store.

    Args:
        data_dir: the data volume.
        recording: the recording.
        limit: largest share of its rows that may be bad.
        progress: is called with the progress.
        threads: number of threads that decode images.
        full_lock: the value of the steering at full lock, 25 for degrees.
        environ: the environment, with the settings of the object store.
    """

    def __init__(
        self,
        data_dir: Path,
        recording: Recording,
        limit: float,
        progress: queue.Report,
        threads: int,
        full_lock: float = RECORDER_UNIT,
        environ: Mapping[str, str] = os.environ,
    ) -> None:
        self._data_dir = data_dir
        self._recording = recording
        self._limit = limit
        self._progress = progress
        self._threads = threads
        self._full_lock = full_lock
        self._environ = environ
        self._mirror = object_stores.open_mirror(data_dir, environ)

    def run(self, executor: ThreadPoolExecutor) -> dict[str, Any]:
        """Import the recording, unless a store has its content already. Return the result."""
        started = time.monotonic()
        driving = self._recording.read(self._full_lock)
        log_digest = hashlib.sha256(self._recording.read_log()).hexdigest()
        stores = store_catalog.folder(self._data_dir)
        # The lock belongs to the content, so that two names of one recording do not become two
        # stores.
        with locks.lock(stores / f".{log_digest[:16]}.lock", remove=True):
            if self._may_be_known(log_digest):
                digest = self._digest(driving.images(), executor)
                dataset, known = self._find_store(digest)
                if known is not None:
                    log.info("%s was imported before, as %s", self._recording.name, dataset)
                    known, _ = self._publish(known)
                    return _result(known, skipped=True, seconds=time.monotonic() - started)
            manifest, is_own = self._publish(self._write(driving, log_digest, executor))
        seconds = time.monotonic() - started
        log.info("%s: %d rows in %.1f s", manifest.dataset, manifest.rows, seconds)
        return _result(manifest, skipped=not is_own, seconds=seconds)

    def _publish(self, manifest: StoreManifest) -> tuple[StoreManifest, bool]:
        """Publish a store in the object store, if there is one.

        Returns:
            The manifest of the store that holds the recording now, and whether it is this one:
            another machine may have imported the recording at the same time.
        """
        if self._mirror is None:
            return manifest, True
        self._progress(phase="publish")
        dataset = self._mirror.publish(manifest.dataset)
        holder = store_catalog.read_manifest(store_catalog.paths(self._data_dir, dataset)[1])
        return holder, holder == manifest

    def _digest(
        self,
        names: Sequence[str],
        executor: ThreadPoolExecutor,
        known: Mapping[str, bytes] | None = None,
    ) -> str:
        """Return the digest of the recording, which is another one in another unit."""
        digest = self._recording.digest(names, executor, known)
        if self._full_lock == RECORDER_UNIT:
            return digest
        return hashlib.sha256(f"{digest} full lock {self._full_lock!r}".encode()).hexdigest()

    def _may_be_known(self, log_digest: str) -> bool:
        """Tell whether a store may hold this recording, judged by its log alone.

        Most imports are of new recordings. For these, the images need not be read once more.
        """
        for path in store_catalog.manifest_paths(self._data_dir):
            try:
                if (
                    store_catalog.read_manifest(path).source.get("log_sha256", log_digest)
                    == log_digest
                ):
                    return True
            except StoreError:  # It is damaged or has another schema: its name must be compared.
                return True
        return False

    def _find_store(self, digest: str) -> tuple[str, StoreManifest | None]:
        """Return the name of the dataset, and its manifest if a sound store exists.

        A store that is damaged or has another schema is written again under the name that it has.
        """
        for path in sorted(store_catalog.folder(self._data_dir).glob(f"[!.]*-{digest[:8]}.json")):
            try:
                manifest = store_catalog.read_manifest(path)
                if manifest.source["sha256"] != digest:  # Only the beginning of its hash is equal.
                    continue
                if manifest.frame_spec == spec.SPEC:
                    if not self._is_elsewhere(path):
                        store.verify_store(self._data_dir, manifest, self._environ)
                    return path.stem, manifest
            except StoreError as error:
                log.warning("%s is imported again: %s", path.stem, error)
            return path.stem, None
        return self._recording.dataset(digest), None

    def _is_elsewhere(self, manifest_path: Path) -> bool:
        """Return whether a store is in the object store alone, which has checked it."""
        is_here = manifest_path.with_suffix(".h5").exists()
        return self._mirror is not None and not is_here and self._mirror.holds(manifest_path.stem)

    def _write(self, driving: Log, log_digest: str, executor: ThreadPoolExecutor) -> StoreManifest:
        """Decode all images, and publish the store."""
        names = driving.images()
        digests: dict[str, bytes] = {}  # the sha256 of each image that was read
        numbers: dict[str, int] = {}  # the frame of each image that is stored
        records: list[tuple[float, ...]] = []
        sessions: dict[int, int] = {}  # the first row of each session
        rejections = list(driving.rejections)
        images = self._recording.images
        started = time.monotonic()
        working_name = self._recording.dataset(log_digest)
        needed_bytes = store_writer.estimate_bytes(len(driving.rows), len(set(names)))
        with (
            disk_space.writing(
                self._data_dir, f"the import of {self._recording.name}", needed_bytes
            ),
            StoreWriter(self._data_dir, working_name, len(set(names))) as writer,
        ):
            results = decode(driving.rows, images, executor, self._threads, digests)
            for count, result in enumerate(results, 1):
                if isinstance(result, Rejection):
                    rejections.append(result)
                else:
                    row, frames = result
                    for name, pixels in zip(row.images, frames, strict=True):
                        if name not in numbers:
                            numbers[name] = writer.add(pixels)
                    sessions.setdefault(row.session, len(records))
                    records.append(_record(row, numbers))
                self._report_progress(count, len(driving.rows), time.monotonic() - started)
            digest = self._digest(names, executor, digests)
            dataset, _ = self._find_store(digest)
            table = store_writer.build_table(records)
            overlaps = self._find_overlaps(dataset, writer.row_ids(table)) if records else {}
            supersedes = [name for name, overlap in overlaps.items() if overlap.complete]
            notes = [*driving.notes, *self._note_unlisted(driving), *_note_overlaps(overlaps)]
            report = import_report.build_report(len(records), rejections, notes)
            self._check_report(report, dataset)
            self._progress(phase="verify")
            source: dict[str, object] = {
                "name": self._recording.name,
                "sha256": digest,
                "log_sha256": log_digest,
            }
            if self._full_lock != RECORDER_UNIT:
                source["full_lock"] = self._full_lock
            return writer.publish(
                dataset, table, source, report, list(sessions.values()), supersedes
            )

    def _find_overlaps(self, dataset: str, ids: RowIds) -> dict[str, Overlap]:
        """Return the datasets that share frames with this recording, by their names.

        A second of common frames is ignored unless it is the whole of the other dataset: all
        drives from the simulator's starting point begin with the same frames.
        """
        overlaps = {}
        for path in store_catalog.manifest_paths(self._data_dir):
            if path.stem == dataset:
                continue
            try:
                manifest = store_catalog.read_manifest(path)
                overlap = compare(ids, store.read_row_ids(self._data_dir, manifest, self._environ))
            except StoreError as error:
                log.warning("%s was not compared with this recording: %s", path.stem, error)
                continue
            if overlap.complete or overlap.shared >= MIN_SHARED_ROWS:
                overlaps[path.stem] = overlap
        return overlaps

    def _report_progress(self, count: int, total: int, seconds: float) -> None:
        rate = count / max(seconds, 1e-9)
        self._progress(
            phase="decode",
            rows_done=count,
            rows_total=total,
            rows_per_s=round(rate),
            eta_s=round((total - count) / rate, 1),
        )

    def _note_unlisted(self, driving: Log) -> list[str]:
        """Return a note if the recording has images that no row of the log lists."""
        listed = set(driving.images())
        unlisted = sum(
            is_image(name) and "/" not in name and name not in listed
            for name in self._recording.images
        )
        return [f"{unlisted} images that no row lists"] if unlisted else []

    def _check_report(self, report: dict[str, object], dataset: str) -> None:
        """Write the report, and raise RecordingError if too many rows are bad."""
        path = self._data_dir / "reports" / f"{dataset}.json"
        atomic_files.make_folder(path.parent)
        atomic_files.write_json(path, report)
        share = import_report.reject_share(report)
        if share > self._limit or not report["accepted"]:
            raise RecordingError(
                f"{report['rejected']} of {report['read']} rows of {self._recording.name} are bad "
                f"({share:.1%}, and at most {self._limit:.1%} may be bad)",
                got="; ".join(reject_reasons.describe(report)),
                remedy=f"{path} lists them. A larger --max-reject-share imports the good rows "
                "nevertheless",
            )


def _note_overlaps(overlaps: dict[str, Overlap]) -> list[str]:
    """Return a note for each dataset that shares frames with the recording."""
    return [
        f"it holds all {overlap.rows} rows of {name}, and supersedes it: a training uses {name} "
        "only if it is named"
        if overlap.complete
        else f"it holds {overlap.shared} of the {overlap.rows} rows of {name}: a training on both "
        "uses each row once"
        for name, overlap in overlaps.items()
    ]


def _record(row: Row, numbers: dict[str, int]) -> tuple[float, ...]:
    """Return the record of a row in the store's table, as contract.dataset.store.ROW has it."""
    cameras = [numbers[name] for name in row.images]
    cameras += [ABSENT] * (len(CAMERA_NAMES) - len(cameras))
    return (row.line, row.time_s, row.steering, row.throttle, row.brake, row.speed_mph, *cameras)


def _result(manifest: StoreManifest, *, skipped: bool, seconds: float) -> dict[str, Any]:
    """Return the result of one import, as the job returns it."""
    return {
        "dataset": manifest.dataset,
        "skipped": skipped,
        "rows": manifest.rows,
        "frames": manifest.frames,
        "rejected": manifest.report["rejected"],
        "report": manifest.report,
        "file_bytes": manifest.file_bytes,
        "seconds": round(seconds, 3),
        "rows_per_s": round(manifest.rows / max(seconds, 1e-9), 1),
    }
