"""How anything becomes visible on a volume: whole and on the disk, or not at all.

HDF5 and our own manifests survive a kill or a power cut only because nothing is ever written
under its final name: temporary file on the same volume, flush, fsync, rename, fsync of the folder.
"""

from __future__ import annotations

import fcntl
import glob
import hashlib
import json
import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

__all__ = [
    "fsync",
    "lock",
    "rename",
    "replace_folder",
    "sha256",
    "temporary_path",
    "temporary_paths",
    "write_json",
]


def temporary_path(final: Path) -> Path:
    """Return a hidden name beside `final`, with its suffix: Keras and others insist on theirs."""
    return final.with_name(f".{final.stem}.{uuid.uuid4().hex}.tmp{final.suffix}")


def temporary_paths(folder: Path, stem: str = "*") -> list[Path]:
    """List what writers that were killed left behind in a folder."""
    return sorted(folder.glob(f".{stem}.*.tmp*"))


def rename(source: Path, final: Path) -> None:
    """Make a file or folder visible under its final name, and the name durable."""
    source.replace(final)
    fsync(final.parent)


def fsync(path: Path) -> None:
    """Flush a file's or a folder's content to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_json(final: Path, document: object) -> None:
    """Publish a JSON document under `final`, replacing what was there."""
    path = temporary_path(final)
    try:
        path.write_text(json.dumps(document, indent=2, sort_keys=True) + "\n", encoding="utf-8")
        fsync(path)
        rename(path, final)
    finally:
        path.unlink(missing_ok=True)


@contextmanager
def replace_folder(final: Path) -> Iterator[Path]:
    """Make a folder in `with`; where the block ends well it appears under `final`, whole.

    It replaces the one that was there, and what killed writers of that name left is removed. Of two
    renames one comes first: a kill between them leaves no folder, and nothing half made.
    """
    # Folders have no suffix: what follows a dot is of the name, as in lake-20x0.5.
    made, old = (final.with_name(f".{final.name}.{uuid.uuid4().hex}.tmp") for _ in range(2))
    for left in temporary_paths(final.parent, glob.escape(final.name)):
        shutil.rmtree(left, ignore_errors=True)
    made.mkdir(parents=True)
    try:
        yield made
        for path in made.rglob("*"):
            fsync(path)
        with suppress(FileNotFoundError):
            final.replace(old)
        rename(made, final)
    finally:
        shutil.rmtree(made, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)


def sha256(path: Path) -> str:
    """Return the hex digest of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def lock(path: Path) -> Iterator[None]:
    """Hold the lock file at `path` alone; the kernel lets go of it when the holder dies.

    The file stays: removing it would let two holders lock two files of one name.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
