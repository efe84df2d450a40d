"""Finds datasets that cannot be used, and makes them whole: it migrates them, or imports again."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

from contract.dataset import store, store_catalog
from contract.dataset.frame_blocks import checksum
from contract.dataset.store_catalog import SCHEMA, StoreManifest
from contract.errors import StoreError
from contract.recordings import archive, driving_log
from contract.recordings.archive import DIGEST_DIGITS, Recording
from ingest.doctor.finding import Finding
from ingest.job import RecordingImport
from ingest.settings import Settings

FAULT: Final = "damaged-dataset"
"""Name of the finding about a dataset that cannot be used."""
OLD_SCHEMA: Final = 1
"""The schema that can be migrated: it had a SHA-256 of each block in the place of a checksum."""


def find_faults(data_dir: Path) -> tuple[list[StoreManifest], dict[str, str]]:
    """Return the datasets that are sound, and why each of the others cannot be used.

    Every block of every store is compared with its checksum.
    """
    sound, faults = [], {}
    for path in store_catalog.manifest_paths(data_dir):
        try:
            manifest = store_catalog.read_manifest(path)
            store.verify_store(data_dir, manifest)
            sound.append(manifest)
        except StoreError as error:
            faults[path.stem] = error.what if error.got is None else f"{error.what}: {error.got}"
    return sound, faults


def describe_faults(data_dir: Path, faults: dict[str, str]) -> list[Finding]:
    """Return a finding for each dataset that cannot be used."""
    return [
        Finding(
            FAULT,
            dataset,
            f"This dataset cannot be used: {reason}",
            "lapwing doctor --cure migrates it to this release"
            if _old_document(data_dir, dataset) is not None
            else "Import its recording again: lapwing doctor --cure RECORDING. If the recording is "
            f"lost, lapwing datasets remove {dataset} frees its bytes",
        )
        for dataset, reason in faults.items()
    ]


def migrate(data_dir: Path, dataset: str) -> StoreManifest:
    """Write a manifest of this release for a store of schema 1. The store itself does not change.

    Every block is first compared with the SHA-256 that the old manifest has of it.

    Raises:
        StoreError: the store has another schema, or is not what its manifest says.
    """
    document = _old_document(data_dir, dataset)
    path = store_catalog.paths(data_dir, dataset)[1]
    if document is None:
        raise StoreError(
            f"the store {dataset} cannot be migrated",
            got="a manifest that is not one of schema 1",
            remedy="Import the recording again: lapwing doctor --cure RECORDING",
        )
    try:
        digests = document.pop("block_sha256")
        manifest = StoreManifest(**{**document, "schema": SCHEMA, "block_checksums": []})
        with store.open_store(data_dir, manifest) as reader:
            checksums = []
            for number, expected in enumerate(digests):
                block = reader.blocks.block(number)
                if hashlib.sha256(block.data).hexdigest() != expected:
                    raise StoreError(
                        f"the store {dataset} is damaged",
                        got=f"block {number} differs",
                        remedy="Import the recording again: lapwing doctor --cure RECORDING",
                    )
                checksums.append(checksum(block))
            blocks = -(-manifest.frames // manifest.block_frames)
            if len(checksums) != blocks:
                raise ValueError(f"{len(checksums)} digests of {blocks} blocks")
        migrated = dataclasses.replace(manifest, block_checksums=checksums)
        with store.open_store(data_dir, migrated) as reader:
            reader.verify()  # This compares the rows, too.
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise StoreError(
            f"the manifest {path.name} cannot be migrated",
            got=f"{type(error).__name__}: {error}",
            remedy="Import the recording again: lapwing doctor --cure RECORDING",
        ) from error
    store_catalog.write_manifest(path, migrated)
    return migrated


def find_datasets(data_dir: Path, source: Path, scratch: Path) -> list[str | None]:
    """Return for each recording in a folder or archive the dataset that was imported from it.

    Args:
        data_dir: the data volume.
        source: a recording, or a folder or archive of several.
        scratch: a folder in which an archive is unpacked for the time of the reading.

    Raises:
        RecordingError: a recording cannot be read.
    """
    with (
        archive.open_recordings(source, scratch) as recordings,
        ThreadPoolExecutor(os.cpu_count() or 1) as executor,
    ):
        return [_find_dataset(data_dir, recording, executor) for recording in recordings]


def import_again(
    settings: Settings, source: Path, scratch: Path, faults: Sequence[str]
) -> list[str]:
    """Import those recordings again whose datasets cannot be used, and return these datasets.

    Raises:
        LapwingError: a recording cannot be read or stored, or too many of its rows are bad.
    """
    cured = []
    threads = settings.decode_threads or os.cpu_count() or 1
    with (
        archive.open_recordings(source, scratch) as recordings,
        ThreadPoolExecutor(threads, thread_name_prefix="decode") as executor,
    ):
        for recording in recordings:
            dataset = _find_dataset(settings.data_dir, recording, executor)
            if dataset in faults:
                limit = settings.max_reject_share
                importer = RecordingImport(
                    settings.data_dir, recording, limit, lambda **_: None, threads
                )
                cured.append(str(importer.run(executor)["dataset"]))
    return cured


def _find_dataset(data_dir: Path, recording: Recording, executor: ThreadPoolExecutor) -> str | None:
    """Return the dataset of a recording's content, by its manifest or else by its name."""
    log = driving_log.read(recording.read_log())
    digest = recording.digest(log.images(), executor)
    for path in store_catalog.manifest_paths(data_dir):
        try:
            if store_catalog.read_manifest(path).source["sha256"] == digest:
                return path.stem
        except StoreError:  # Its name ends with the first digits of the digest.
            if path.stem.endswith(f"-{digest[:DIGEST_DIGITS]}"):
                return path.stem
    return None


def _old_document(data_dir: Path, dataset: str) -> dict[str, Any] | None:
    """Return the manifest of a store of schema 1, or None if it is not one."""
    try:
        document = json.loads(store_catalog.paths(data_dir, dataset)[1].read_text(encoding="utf-8"))
        is_old = document["schema"] == OLD_SCHEMA and isinstance(document["block_sha256"], list)
        return dict(document) if is_old else None
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None  # It is torn: `find_faults` says why.
