"""Publishes stores in the object store, and mirrors them on the data volume of a node.

    <LAPWING_STORAGE>/stores/<dataset>.json   {"schema": 1, "dataset": ..., "manifest": "...",
                                               "files": {".h5": {"sha256": ..., "bytes": ...},
                                                         ".ids": ...}}, or {"removed": true}
    <LAPWING_STORAGE>/data/<sha256>           the files
    <LAPWING_STORAGE>/recordings/<sha256>.json  {"dataset": ...}: which one holds a recording

The files are written first and that entry last, so a store appears whole. On a node the manifest
and the identities of the rows are copied when they are first seen, and the frames when they are
first read. An entry is made once. If two machines import one recording at the same time, under one
name or two, the second takes the store of the first in place of its own; it holds the same frames.
"""

from __future__ import annotations

import glob
import json
import logging
import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from contract.errors import StorageError
from contract.files import atomic_files, locks
from contract.files.plain_names import is_plain
from contract.storage import histories
from contract.storage.address_note import check_address
from contract.storage.node_cache import FOLDER, NodeCache
from contract.storage.objects import Objects, data_key, encode
from contract.storage.storage_settings import StorageSettings, read_settings

__all__ = ["StoreMirror", "open_mirror", "pull"]

log = logging.getLogger(__name__)

SCHEMA: Final = 1
PREFIX: Final = "stores"
RECORDINGS: Final = "recordings"
FRAMES, IDS, MANIFEST = ".h5", ".ids", ".json"
TRIES: Final = 5
"""Times that a copy is fetched that others remove before it is in use."""


class StoreMirror:
    """The stores of one object store, and their copies on one data volume.

    Args:
        data_dir: the data volume.
        settings: the settings of the object store.
        environ: the environment, with the variables of the object store.
    """

    def __init__(
        self, data_dir: Path, settings: StorageSettings, environ: Mapping[str, str]
    ) -> None:
        self._stores = data_dir / "stores"
        self._settings = settings
        self.objects = Objects(settings, environ)
        self.cache = NodeCache(self._stores, settings.cache_bytes)

    # ---- publishing

    def publish(self, dataset: str) -> str:
        """Publish a store of this volume, unless its recording is published.

        Returns:
            The name of the dataset that holds the recording. If the object store held another
            store of it, that one has taken the place of this one, on this volume too.

        Raises:
            StorageError: the object store does not answer, or has another recording of this name.
        """
        self._check_address()
        with locks.lock(self._publishing(dataset), remove=True):  # one upload at a time is enough
            holder = self._publish(dataset)
        self.cache.shrink()
        return holder

    def _publish(self, dataset: str) -> str:
        there = self._entry(dataset)
        manifest = self._path(dataset, MANIFEST).read_text(encoding="utf-8")
        if there is None or there.get("removed"):
            own = {
                "schema": SCHEMA,
                "dataset": dataset,
                "manifest": manifest,
                "files": {
                    suffix: self.objects.upload(self._path(dataset, suffix))
                    for suffix in (FRAMES, IDS)
                    if self._path(dataset, suffix).is_file()
                },
            }
            key = f"{PREFIX}/{dataset}.json"
            if there is None:
                self.objects.create_document(key, own)
            else:  # Somebody removed the dataset, and now it is imported again.
                self.objects.replace_document(key, own)
            there = self._entry(dataset)
            assert there is not None
        if there.get("manifest") == manifest:
            self._note(dataset, there)
        else:
            self._adopt(dataset, there, manifest)
        return self._claim(dataset, there)

    def _claim(self, dataset: str, entry: Mapping[str, Any]) -> str:
        """Return which dataset holds a recording: this one, or that of a faster machine."""
        key = f"{RECORDINGS}/{_source(entry['manifest'])}.json"
        other = self.objects.create_document(key, {"dataset": dataset})
        if other is None:
            return dataset
        holder = str(other.get("dataset"))
        if not is_plain(holder):
            raise StorageError(
                "an object in LAPWING_STORAGE has no name of a dataset",
                got=f"{holder!r:.80} in {key}",
                remedy="Remove that object",
            )
        held = self._entry(holder)
        if held is None or held.get("removed"):  # It was removed since.
            self.objects.replace_document(key, {"dataset": dataset})
            return dataset
        log.info("%s was published before, as %s: that store is used", dataset, holder)
        self.objects.replace_document(f"{PREFIX}/{dataset}.json", _removed(dataset))
        self._drop(dataset)
        if not self._path(holder, MANIFEST).exists():
            self._install(holder, held)
        return holder

    def remove(self, dataset: str) -> None:
        """Remove a store from the object store; the volumes follow with their next `pull`."""
        there = self._entry(dataset)
        if there is None or there.get("removed"):
            return
        self.objects.replace_document(f"{PREFIX}/{dataset}.json", _removed(dataset))
        histories.remove(self.objects, dataset)
        self.objects.delete(f"{RECORDINGS}/{_source(there['manifest'])}.json")
        self.objects.delete(data_key(there["files"][FRAMES]["sha256"]))

    # ---- mirroring

    def pull(self) -> None:
        """Bring the list of stores on this volume up to date; no frames are copied.

        Stores that this volume alone has, of a time without an object store or of a job that was
        killed, are published. What people say about them goes both ways: see histories.py.

        Raises:
            StorageError: the object store does not answer, or the volume has copies of another one.
        """
        self._check_address()
        tags = self.objects.list_tags(PREFIX)
        for name, tag in tags.items():
            dataset = name.removesuffix(".json")
            if not is_plain(dataset):
                raise StorageError(
                    "an object in LAPWING_STORAGE has no name of a dataset",
                    got=f"{PREFIX}/{name}",
                    remedy="Remove that object",
                )
            is_here = self._path(dataset, MANIFEST).exists()
            if is_here and tag and tag == self._read_index(dataset).get("e_tag"):
                continue
            entry = self._entry(dataset)
            if entry is None:
                continue
            if entry.get("removed"):
                if self._known(dataset) is not None:  # else it is imported here again just now
                    self._drop(dataset, *self._stores.glob(f"{glob.escape(dataset)}.*"))
                continue
            if not is_here:
                self._install(dataset, entry)
                continue
            manifest = self._path(dataset, MANIFEST).read_text(encoding="utf-8")
            if manifest == entry["manifest"]:
                self._note(dataset, entry)
            else:
                self._adopt(dataset, entry, manifest)
        for dataset in self._local():
            if f"{dataset}.json" not in tags and not self._is_being_published(dataset):
                self.publish(dataset)
        histories.sync(self._stores, self.objects)
        self.cache.shrink()

    def lease(self, dataset: str, file_bytes: int) -> int | None:
        """Return a descriptor of a store's file that keeps the copy here; fetch it if it is not.

        Args:
            dataset: name of the dataset.
            file_bytes: size of the file in its manifest.

        Returns:
            The descriptor, which the caller closes; None if the object store does not hold the
            store, so that this volume's own is all there is.

        Raises:
            StorageError: the object store does not answer, or there is no room for a copy.
        """
        path = self._path(dataset, FRAMES)
        if self._known(dataset) is None:
            if path.exists():
                return None
            entry = self._entry(dataset)
            if entry is None or entry.get("removed"):
                return None
            self._note(dataset, entry)
        for _ in range(TRIES):
            with suppress(FileNotFoundError):  # It may be removed at any moment.
                if path.stat().st_size != file_bytes:
                    self.discard(dataset)
            descriptor = self.cache.lease(path)
            if descriptor is not None:
                return descriptor
            self._fetch(dataset)
        raise StorageError(
            f"the copy of {path.name} was removed {TRIES} times before it was read",
            remedy="Set LAPWING_CACHE_BYTES to more: several jobs need the same room",
        )

    def discard(self, dataset: str) -> bool:
        """Remove a damaged copy, and return whether the object store has another one."""
        if self._known(dataset) is None:
            return False
        self._path(dataset, FRAMES).unlink(missing_ok=True)
        return True

    def holds(self, dataset: str) -> bool:
        """Return whether the object store is known to hold a dataset's store."""
        return self._known(dataset) is not None

    def can_hold(self, sizes: Iterable[int]) -> bool:
        """Return whether the cache can hold stores of these sizes at the same time."""
        return not self._settings.cache_bytes or sum(sizes) <= self._settings.cache_bytes

    def describe_frames(self, dataset: str) -> dict[str, Any] | None:
        """Return the `sha256` and `bytes` of a store's file in the object store, if it is known."""
        entry = self._known(dataset)
        return None if entry is None else dict(entry["files"][FRAMES])

    def _fetch(self, dataset: str) -> None:
        """Copy a store's file to this volume, unless another process just did."""
        path = self._path(dataset, FRAMES)
        with locks.lock(self._stores / FOLDER / f".{dataset}.lock", remove=True):
            entry = self._known(dataset)
            if path.exists() or entry is None:
                return
            size = entry["files"][FRAMES]["bytes"]
            log.info("%s: its %d bytes are fetched from %s", dataset, size, self._settings.url)
            with self.cache.writing(path, size) as file:
                self.objects.download(entry["files"][FRAMES], file)

    def _install(self, dataset: str, entry: Mapping[str, Any]) -> None:
        """Copy all of a store but its frames; the manifest comes last."""
        self._note(dataset, entry)
        ids = entry["files"].get(IDS)
        atomic_files.make_folder(self._stores)
        with locks.lock(self._stores / ".annotations.lock"):
            if ids is not None:
                path = self._path(dataset, IDS)
                temporary = atomic_files.temporary_path(path)
                with locks.new_file(temporary) as file:
                    try:
                        self.objects.download(ids, file)
                        os.fsync(file.fileno())
                        atomic_files.rename(temporary, path)
                    finally:
                        temporary.unlink(missing_ok=True)
            atomic_files.write_bytes(self._path(dataset, MANIFEST), entry["manifest"].encode())

    def _adopt(self, dataset: str, entry: Mapping[str, Any], manifest: str) -> None:
        """Take a published store of the same recording in place of this volume's."""
        own, theirs = (_source(text) for text in (manifest, str(entry["manifest"])))
        if own != theirs:
            raise StorageError(
                f"LAPWING_STORAGE has another recording of the name {dataset}",
                got=f"the digest {theirs} of its source, not {own}",
                remedy="Import this recording under another name",
            )
        log.info("%s was published before: that store is used", dataset)
        self._drop(dataset)
        self._install(dataset, entry)

    def _drop(self, dataset: str, *more: Path) -> None:
        """Remove a store from this volume, its manifest first, and more files."""
        paths = [self._path(dataset, suffix) for suffix in (MANIFEST, FRAMES, IDS)]
        with locks.lock(self._stores / ".annotations.lock"):
            for path in (*paths, *more):
                path.unlink(missing_ok=True)
                atomic_files.fsync(self._stores)
        self.cache.index(dataset).unlink(missing_ok=True)

    # ---- what is known

    def _entry(self, dataset: str) -> dict[str, Any] | None:
        """Return the object store's entry of a dataset, or None if there is none."""
        entry = self.objects.read_document(f"{PREFIX}/{dataset}.json")
        return None if entry is None else _checked(entry, dataset)

    def _local(self) -> list[str]:
        """Return the datasets of this volume whose store is whole."""
        names = []
        for path in sorted(self._stores.glob("[!.]*.json")):
            if path.name.count(".") == 1 and path.with_suffix(FRAMES).exists():
                try:
                    _source(path.read_text(encoding="utf-8"))
                except (OSError, ValueError, KeyError, TypeError):
                    continue  # `lapwing doctor` tells what is wrong with it.
                names.append(path.stem)
        return names

    def _known(self, dataset: str) -> dict[str, Any] | None:
        """Return the entry as this volume has noted it; None if it has noted none."""
        try:
            return _checked(dict(self._read_index(dataset)["entry"]), dataset)
        except (KeyError, TypeError, ValueError, StorageError):
            return None  # It is asked for again.

    def _read_index(self, dataset: str) -> dict[str, Any]:
        try:
            document = json.loads(self.cache.index(dataset).read_text(encoding="utf-8"))
        except (FileNotFoundError, ValueError):
            return {}
        return document if isinstance(document, dict) else {}

    def _note(self, dataset: str, entry: Mapping[str, Any]) -> None:
        tag = self.objects.tags.get(f"{PREFIX}/{dataset}.json", "")
        atomic_files.make_folder(self._stores / FOLDER)
        document = encode({"entry": entry, "e_tag": tag})
        atomic_files.write_bytes(self.cache.index(dataset), document)

    def _check_address(self) -> None:
        check_address(self._stores / FOLDER, self._settings, "LAPWING_DATA_DIR")

    def _is_being_published(self, dataset: str) -> bool:
        """Return whether another process of this machine publishes a store just now."""
        path = self._publishing(dataset)
        with locks.try_lock(path) as free:
            return path.exists() and not free

    def _publishing(self, dataset: str) -> Path:
        return self._stores / FOLDER / f".{dataset}.publishing"

    def _path(self, dataset: str, suffix: str) -> Path:
        return self._stores / f"{dataset}{suffix}"


def _removed(dataset: str) -> dict[str, object]:
    return {"schema": SCHEMA, "dataset": dataset, "removed": True}


def _source(manifest: str) -> object:
    """Return the digest of a manifest's recording."""
    return json.loads(manifest)["source"]["sha256"]


def _checked(entry: dict[str, Any], dataset: str) -> dict[str, Any]:
    """Return an entry if it has the form of one."""
    try:
        if entry["schema"] != SCHEMA or entry["dataset"] != dataset:
            raise ValueError("it is an entry of something else")
        if not entry.get("removed"):
            _source(entry["manifest"])
            for described in (entry["files"][FRAMES], *entry["files"].values()):
                if len(described["sha256"]) != 64 or type(described["bytes"]) is not int:
                    raise ValueError("a file has no digest or no size")
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise StorageError(
            f"the entry of {dataset} in LAPWING_STORAGE cannot be read",
            got=f"{type(error).__name__}: {error}",
            remedy=f"Remove the object {PREFIX}/{dataset}.json, and import the recording again",
        ) from error
    return entry


def open_mirror(data_dir: Path, environ: Mapping[str, str] = os.environ) -> StoreMirror | None:
    """Return the mirror of a data volume, or None if LAPWING_STORAGE is not set.

    Raises:
        SettingError: a setting of the object store has a value that it cannot take.
    """
    settings = read_settings(environ)
    return None if settings is None else StoreMirror(data_dir, settings, environ)


def pull(data_dir: Path, environ: Mapping[str, str] = os.environ) -> None:
    """Bring the list of stores on a volume up to date, if LAPWING_STORAGE is set.

    Raises:
        StorageError: the object store does not answer.
        SettingError: a setting of the object store has a value that it cannot take.
    """
    mirror = open_mirror(data_dir, environ)
    if mirror is not None:
        mirror.pull()
