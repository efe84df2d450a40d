"""Publishes versions, decisions and drives in the object store, and mirrors them on model volumes.

    <LAPWING_STORAGE>/versions/<n>.json        {"schema": 1, "version": n, "files": {"model.h5":
                                               {"sha256": ..., "bytes": ...}, ...}}, or
                                               {"removed": true}
    <LAPWING_STORAGE>/data/<sha256>            the files
    <LAPWING_STORAGE>/decisions/<number>.json  a decision about the current version
    <LAPWING_STORAGE>/drives/<n>/...           the drives of evaluations that are kept

Every object is made once. So of two machines that publish the next version at the same time, one
gets the number and the other takes the next one; and of two that decide on the current version, one
decides, and the other is told that its decision was not based on the last one any more.
"""

from __future__ import annotations

import json
import logging
import os
import shutil
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

from contract.errors import StorageError
from contract.files import atomic_files
from contract.files.plain_names import is_plain
from contract.storage.address_note import check_address
from contract.storage.objects import Objects, encode
from contract.storage.storage_settings import StorageSettings, read_settings

__all__ = ["VersionMirror", "open_version_mirror"]

log = logging.getLogger(__name__)

SCHEMA: Final = 1
FOLDER: Final = ".mirror"
"""Folder on the model volume with what is known of the object store."""
MANIFEST: Final = "manifest.json"
DRIVES: Final = Path("evaluations") / "drives"
"""Folder of the kept drives within that of a version."""
AT_ONCE: Final = 8
"""Number of small objects that are read or written at the same time."""


class VersionMirror:
    """The versions of one object store, and their copies on one model volume.

    The caller of everything but `fetch` and the drives holds the lock of the registry.

    Args:
        root: the model volume.
        settings: the settings of the object store.
        environ: the environment, with the variables of the object store.
    """

    def __init__(self, root: Path, settings: StorageSettings, environ: Mapping[str, str]) -> None:
        self._root = root
        self._settings = settings
        self._objects = Objects(settings, environ)
        self._shared: dict[int, set[str]] = {}
        """The drives of each version that were in the object store when it was asked."""

    # ---- versions

    def sync(self) -> None:
        """Copy the versions that are new to this volume, and publish those that it alone has.

        Raises:
            StorageError: the object store does not answer, or has another version of a number.
            SettingError: the volume has copies of another object store.
        """
        self._check_address()
        tags = self._objects.list_tags("versions")
        for name, tag in tags.items():
            number = _number(f"versions/{name}")
            is_here = self._folder(number).is_dir()
            noted = self._noted(number)
            if tag and noted.get("e_tag") == tag and (is_here or noted.get("removed")):
                continue
            self.fetch(number)
        for number in self._local():
            if f"{number}.json" not in tags and not self.publish(number, self._folder(number)):
                self.fetch(number)  # The list was not complete yet.

    def numbers(self) -> list[int]:
        """Return the numbers that versions have or had."""
        return sorted(_number(f"versions/{name}") for name in self._objects.list_tags("versions"))

    def publish(self, version: int, folder: Path) -> bool:
        """Publish a version, its files first.

        Args:
            version: its number, which its manifest has too.
            folder: the folder with its files.

        Returns:
            Whether the number is now that of this version; if not, another one has it.
        """
        self._check_address()
        paths = sorted(path for path in folder.iterdir() if path.is_file())
        entry = {
            "schema": SCHEMA,
            "version": version,
            "files": {path.name: self._objects.upload(path) for path in paths},
        }
        if self._objects.create_document(f"versions/{version}.json", entry) is not None:
            return False
        self._note(version, removed=False)
        return True

    def fetch(self, version: int) -> None:
        """Copy a version to this volume, unless it is there or there is none.

        Raises:
            StorageError: the object store does not answer, or this volume has another version of
                this number.
        """
        entry = self._objects.read_document(f"versions/{version}.json")
        if entry is None:
            return
        files = _checked(entry, version)
        final = self._folder(version)
        if files is None:
            if self._noted(version) and final.is_dir():
                leaving = atomic_files.temporary_path(final)
                atomic_files.rename(final, leaving)
                shutil.rmtree(leaving)
            self._note(version, removed=True)
            return
        if final.is_dir():
            digest = atomic_files.sha256(final / MANIFEST)
            if digest != files[MANIFEST]["sha256"]:
                raise StorageError(
                    f"version {version} of this volume is not that of LAPWING_STORAGE",
                    got=f"the digest {digest} of its manifest, not {files[MANIFEST]['sha256']}",
                    remedy="Both were made apart from each other: use an empty folder for "
                    "LAPWING_MODEL_DIR, or another prefix in LAPWING_STORAGE",
                )
        else:
            self._copy(files, final)
        self._note(version, removed=False)

    def remove(self, version: int) -> None:
        """Remove a version from the object store; its number is not given again."""
        entry = {"schema": SCHEMA, "version": version, "removed": True}
        self._objects.replace_document(f"versions/{version}.json", entry)

    def _copy(self, files: Mapping[str, Any], final: Path) -> None:
        """Copy the files of a version, which appear together."""
        with atomic_files.staging_folder(final) as folder:
            for name, described in files.items():
                with (folder / name).open("wb") as file:
                    self._objects.download(described, file)
                    os.fsync(file.fileno())
            atomic_files.fsync(folder)
            if not final.is_dir():  # Another process of this node may have copied it meanwhile.
                atomic_files.rename(folder, final)

    # ---- decisions

    def decision(self, number: int) -> dict[str, Any] | None:
        """Return a decision, counted from 1 in their order; None if there is none yet."""
        return self._objects.read_document(f"decisions/{number:06}.json")

    def add_decision(self, number: int, decision: Mapping[str, object]) -> bool:
        """Make a decision that follows `number` - 1 others, and return whether it counts.

        It does not if another machine has decided since.
        """
        return self._objects.create_document(f"decisions/{number:06}.json", decision) is None

    # ---- drives

    def pull_drives(self, version: int) -> None:
        """Copy the kept drives of a version that are not on this volume.

        Raises:
            StorageError: the object store does not answer.
        """
        prefix, folder = f"drives/{version}", self._folder(version) / DRIVES
        self._shared[version] = set(self._objects.list_tags(prefix))
        missing = [
            name
            for name in sorted(self._shared[version])
            if all(map(is_plain, name.split("/"))) and not (folder / name).exists()
        ]

        def copy(name: str) -> None:
            document = self._objects.read_document(f"{prefix}/{name}")
            if document is not None:
                atomic_files.make_folder((folder / name).parent)
                atomic_files.write_json(folder / name, document)

        with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="drives") as pool:
            list(pool.map(copy, missing))

    def publish_drives(self, version: int) -> None:
        """Publish the drives that were made since `pull_drives`; of two, the first stays.

        Raises:
            StorageError: the object store does not answer.
        """
        prefix, folder = f"drives/{version}", self._folder(version) / DRIVES
        names = {path.relative_to(folder).as_posix() for path in folder.rglob("[!.]*.json")}
        shared = self._shared.setdefault(version, set())

        def publish(name: str) -> None:
            document = json.loads((folder / name).read_text(encoding="utf-8"))
            first = self._objects.create_document(f"{prefix}/{name}", document)
            if first is not None:
                log.warning("drive %s of version %d was made before: it stays", name, version)
                atomic_files.write_json(folder / name, first)

        with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="drives") as pool:
            list(pool.map(publish, sorted(names - shared)))
        shared |= names

    # ---- what is known

    def _folder(self, version: int) -> Path:
        return self._root / "versions" / str(version)

    def _local(self) -> list[int]:
        folder = self._root / "versions"
        names = [path.name for path in folder.iterdir()] if folder.is_dir() else []
        return sorted(int(name) for name in names if name.isdecimal())

    def _noted(self, version: int) -> dict[str, Any]:
        try:
            path = self._root / FOLDER / f"{version}.json"
            document = json.loads(path.read_text(encoding="utf-8"))
        except (FileNotFoundError, ValueError):
            return {}
        return document if isinstance(document, dict) else {}

    def _note(self, version: int, *, removed: bool) -> None:
        """Note an entry that was just read, so that it is read again only if it changes."""
        tag = self._objects.tags.get(f"versions/{version}.json", "")
        atomic_files.make_folder(self._root / FOLDER)
        atomic_files.write_bytes(
            self._root / FOLDER / f"{version}.json", encode({"e_tag": tag, "removed": removed})
        )

    def _check_address(self) -> None:
        check_address(self._root / FOLDER, self._settings, "LAPWING_MODEL_DIR")


def _number(key: str) -> int:
    name = key.removeprefix("versions/").removesuffix(".json")
    if not name.isdecimal() or int(name) < 1:
        raise StorageError(
            "an object in LAPWING_STORAGE has no number of a version",
            got=key,
            remedy="Remove that object",
        )
    return int(name)


def _checked(entry: Mapping[str, Any], version: int) -> dict[str, Any] | None:
    """Return the files of a version's entry; None if the version was removed."""
    try:
        if entry["schema"] != SCHEMA or entry["version"] != version:
            raise ValueError("it is an entry of something else")
        if entry.get("removed"):
            return None
        files: dict[str, Any] = entry["files"]
        for name, described in ((MANIFEST, files[MANIFEST]), *files.items()):
            if not is_plain(name) or type(described["bytes"]) is not int:
                raise ValueError(f"the file {name!r} has no plain name or no size")
            if len(described["sha256"]) != 64:
                raise ValueError(f"the file {name} has no digest")
        return files
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise StorageError(
            f"the entry of version {version} in LAPWING_STORAGE cannot be read",
            got=f"{type(error).__name__}: {error}",
            remedy=f"Remove the object versions/{version}.json; a volume that has the version "
            "publishes it again",
        ) from error


def open_version_mirror(
    root: Path, environ: Mapping[str, str] = os.environ
) -> VersionMirror | None:
    """Return the mirror of a model volume, or None if LAPWING_STORAGE is not set.

    Raises:
        SettingError: a setting of the object store has a value that it cannot take.
    """
    settings = read_settings(environ)
    return None if settings is None else VersionMirror(root, settings, environ)
