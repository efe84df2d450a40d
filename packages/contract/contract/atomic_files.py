"""Writes files and folders so that they appear on a volume completely or not at all.

HDF5 files and our own manifests survive a killed process or a power cut only because nothing is
ever written under its final name. The steps are: write a temporary file on the same volume, flush
it, fsync it, rename it, and fsync the folder.
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
    "write_bytes",
    "write_json",
]


def temporary_path(final: Path) -> Path:
    """Return a hidden path in the folder of `final`, with the same suffix.

    Keras and other libraries accept only a file name with their own suffix.
    """
    return final.with_name(f".{final.stem}.{uuid.uuid4().hex}.tmp{final.suffix}")


def temporary_paths(folder: Path, stem: str = "*") -> list[Path]:
    """List the temporary files and folders that killed writers left in a folder."""
    return sorted(folder.glob(f".{stem}.*.tmp*"))


def rename(source: Path, final: Path) -> None:
    """Give a file or folder its final name, and flush the name to the disk."""
    source.replace(final)
    fsync(final.parent)


def fsync(path: Path) -> None:
    """Flush the content of a file or a folder to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_json(final: Path, document: object) -> None:
    """Write a JSON document to `final`, and replace the file that was there."""
    write_bytes(final, (json.dumps(document, indent=2, sort_keys=True) + "\n").encode())


def write_bytes(final: Path, content: bytes) -> None:
    """Write a file, and replace the one that was there."""
    path = temporary_path(final)
    try:
        path.write_bytes(content)
        fsync(path)
        rename(path, final)
    finally:
        path.unlink(missing_ok=True)


@contextmanager
def replace_folder(final: Path) -> Iterator[Path]:
    """Yield a new folder that is renamed to `final` when the `with` block ends without an error.

    It replaces the folder that was there. Leftovers of killed writers of that name are removed. The
    replacement takes two renames: a process that is killed between them leaves no folder at
    `final`, but never an incomplete one.
    """
    # Folders have no suffix: what follows a dot belongs to the name, as in lake-20x0.5.
    new, old = (final.with_name(f".{final.name}.{uuid.uuid4().hex}.tmp") for _ in range(2))
    for leftover in temporary_paths(final.parent, glob.escape(final.name)):
        shutil.rmtree(leftover, ignore_errors=True)
    new.mkdir(parents=True)
    try:
        yield new
        for path in new.rglob("*"):
            fsync(path)
        with suppress(FileNotFoundError):
            final.replace(old)
        rename(new, final)
    finally:
        shutil.rmtree(new, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file's bytes as hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def lock(path: Path) -> Iterator[None]:
    """Hold an exclusive lock on the file `path`; the kernel releases it when the holder dies.

    The file is not removed: otherwise two processes could lock two files of the same name.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
