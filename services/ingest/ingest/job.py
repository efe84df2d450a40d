"""The import job: recordings in, frame stores out; what was imported already is left alone."""

from __future__ import annotations

import hashlib
import logging
import os
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import cv2

from contract import atomic_files, inbox
from contract.dataset import store
from contract.dataset.store import ABSENT, StoreManifest
from contract.errors import RecordingError, StoreError
from contract.frames import spec
from contract.jobs import queue
from contract.recordings import archive, driving_log
from contract.recordings.archive import Recording
from contract.recordings.driving_log import Log, Rejection, Row
from contract.settings import load
from contract.vehicle import CAMERA_NAMES
from ingest import import_report, store_writer
from ingest.decoder import decode
from ingest.settings import Settings
from ingest.store_writer import StoreWriter

log = logging.getLogger(__name__)


def run(
    source: str,
    name: str | None = None,
    max_reject_share: float | None = None,
    staged: bool = False,
) -> dict[str, Any]:
    """Import every recording of a folder or archive; RQ calls this in a process of its own.

    Args:
        source: the path of the folder, zip or tar.
        name: what to call the dataset; the source's own name by default.
        max_reject_share: overrides LAPWING_MAX_REJECT_SHARE.
        staged: the source is a copy in the inbox, and is removed afterwards.

    Raises:
        LapwingError: a recording cannot be read or stored, or too many of its rows are bad.
    """
    _, progress = queue.current_job()
    settings = load(Settings, os.environ)
    limit = settings.max_reject_share if max_reject_share is None else max_reject_share
    try:
        return {"imports": import_source(settings, Path(source), name, limit, progress)}
    finally:
        if staged:
            inbox.discard([Path(source)], settings.data_dir / inbox.RECORDINGS)


def import_source(
    settings: Settings, source: Path, name: str | None, limit: float, progress: queue.Report
) -> list[dict[str, Any]]:
    """Import every recording of `source`; return what became of each."""
    cv2.setNumThreads(1)  # the cores are ours to share out
    threads = settings.decode_threads or os.cpu_count() or 1
    with (
        archive.open_recordings(source, settings.data_dir / "unpacked", name) as found,
        ThreadPoolExecutor(threads, thread_name_prefix="decode") as executor,
    ):
        results = []
        for number, each in enumerate(found, 1):
            progress(phase="read", recording=f"{each.name} ({number}/{len(found)})")
            importer = Import(settings.data_dir, each, limit, progress, threads)
            results.append(importer.run(executor))
        return results


class Import:
    """One recording on its way into the store."""

    def __init__(
        self,
        data_dir: Path,
        source: Recording,
        limit: float,
        progress: queue.Report,
        threads: int,
    ) -> None:
        self._data_dir = data_dir
        self._source = source
        self._limit = limit
        self._progress = progress
        self._threads = threads

    def run(self, executor: ThreadPoolExecutor) -> dict[str, Any]:
        """Import the recording, unless its content is in a store already."""
        began = time.monotonic()
        content = self._source.read_log()
        read = driving_log.read(content)
        log_digest = hashlib.sha256(content).hexdigest()
        stores = store.folder(self._data_dir)
        # Locked by content: two names for the same recording must not become two stores.
        with atomic_files.lock(stores / f".{log_digest[:16]}.lock"):
            for left in atomic_files.temporary_paths(stores, f"*{log_digest[:8]}"):
                left.unlink()
            if self._may_be_known(log_digest):
                dataset, known = self._known(self._source.digest(read.images(), executor))
                if known is not None:
                    log.info("%s is imported already, as %s", self._source.name, dataset)
                    return _result(known, skipped=True, seconds=time.monotonic() - began)
            manifest = self._write(read, log_digest, executor)
        seconds = time.monotonic() - began
        log.info("%s: %d rows in %.1f s", manifest.dataset, manifest.rows, seconds)
        return _result(manifest, skipped=False, seconds=seconds)

    def _may_be_known(self, log_digest: str) -> bool:
        """Tell whether a store may hold this recording: its log alone says when none does.

        Most imports are of something new; their images need not be read once more to find out.
        """
        for path in store.folder(self._data_dir).glob("[!.]*.json"):
            try:
                if store.read_manifest(path).source.get("log_sha256", log_digest) == log_digest:
                    return True
            except StoreError:  # of another schema, or damaged: its name has the digest to compare
                return True
        return False

    def _known(self, digest: str) -> tuple[str, StoreManifest | None]:
        """Return the dataset's name, and its manifest if it is there and sound.

        A damaged store, or one of another schema, is written anew under the name that it has.
        """
        for path in sorted(store.folder(self._data_dir).glob(f"[!.]*-{digest[:8]}.json")):
            try:
                manifest = store.read_manifest(path)
                if manifest.source["sha256"] != digest:  # its hash only begins alike
                    continue
                if manifest.frame_spec == spec.SPEC:
                    with store.open_store(self._data_dir, manifest) as reader:
                        reader.verify()
                    return path.stem, manifest
            except StoreError as error:
                log.warning("%s is imported again: %s", path.stem, error)
            return path.stem, None
        return self._source.dataset(digest), None

    def _write(self, read: Log, log_digest: str, executor: ThreadPoolExecutor) -> StoreManifest:
        names = read.images()
        digests: dict[str, bytes] = {}  # of each image that was read, by its name
        numbers: dict[str, int] = {}  # of each image that is stored, by its name
        records: list[tuple[float, ...]] = []
        rejections = list(read.rejections)
        read = driving_log.without_missing_sides(read, self._source.images)
        began = time.monotonic()
        making = self._source.dataset(log_digest)
        with StoreWriter(self._data_dir, making, len(read.rows) * len(CAMERA_NAMES)) as writer:
            decoded = decode(read.rows, self._source.images, executor, self._threads, digests)
            for count, each in enumerate(decoded, 1):
                if isinstance(each, Rejection):
                    rejections.append(each)
                else:
                    row, frames = each
                    for name, pixels in zip(row.images, frames, strict=True):
                        if name not in numbers:
                            numbers[name] = writer.add(pixels)
                    records.append(_record(row, numbers))
                rate = count / max(time.monotonic() - began, 1e-9)
                self._progress(
                    phase="decode",
                    rows_done=count,
                    rows_total=len(read.rows),
                    rows_per_s=round(rate),
                    eta_s=round((len(read.rows) - count) / rate, 1),
                )
            document = import_report.report(
                len(records), rejections, [*read.notes, *self._unlisted(read)]
            )
            digest = self._source.digest(names, executor, digests)
            dataset, _ = self._known(digest)  # of a store to be written anew, the name that it has
            self._judge(document, dataset)
            self._progress(phase="verify")
            source: dict[str, object] = {
                "name": self._source.name,
                "sha256": digest,
                "log_sha256": log_digest,
            }
            return writer.publish(dataset, store_writer.table_of(records), source, document)

    def _unlisted(self, read: Log) -> list[str]:
        listed = set(read.images())
        extra = sum(1 for name in self._source.images if name not in listed and ".jp" in name)
        return [f"{extra} images that no row lists"] if extra else []

    def _judge(self, document: dict[str, object], dataset: str) -> None:
        """Refuse a recording of which too much is bad; its report is kept all the same."""
        path = self._data_dir / "reports" / f"{dataset}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        atomic_files.write_json(path, document)
        if import_report.share(document) > self._limit or not document["accepted"]:
            raise RecordingError(
                f"{document['rejected']} of {document['read']} rows of {self._source.name} are bad "
                f"({import_report.share(document):.1%}; at most {self._limit:.1%} may be)",
                got=document["reasons"],
                remedy=f"{path} lists them; --max-reject-share takes the good rows all the same",
            )


def _record(row: Row, numbers: dict[str, int]) -> tuple[float, ...]:
    cameras = [numbers[name] for name in row.images]
    cameras += [ABSENT] * (len(CAMERA_NAMES) - len(cameras))
    return (row.line, row.time_s, row.steering, row.throttle, row.brake, row.speed_mph, *cameras)


def _result(manifest: StoreManifest, *, skipped: bool, seconds: float) -> dict[str, Any]:
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
