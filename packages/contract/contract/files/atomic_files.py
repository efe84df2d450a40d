"""Writes files and folders so that they appear on a volume completely or not at all.

HDF5 files and our own manifests survive a killed process or a power cut only because nothing is
ever written under its final name. The steps are: write a temporary file on the same volume, flush
it, fsync it, rename it, and fsync the folder.
"""

from __future__ import annotations

import glob
import hashlib
import json
import os
import re
import shutil
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Final

from contract.files import locks
from contract.files.flushes import fsync as fsync
from contract.files.flushes import make_folder as make_folder

__all__ = [
    "fsync",
    "is_empty",
    "make_folder",
    "publish_folder",
    "rename",
    "replace_folder",
    "sha256",
    "staging_folder",
    "temporary_path",
    "temporary_paths",
    "write_bytes",
    "write_json",
]

SYNCS_AT_ONCE: Final = 16
"""Number of files that are flushed to the disk at the same time.

A disk takes flushes together: 6,000 images take 2 s in this way, and 30 s one after the other."""


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


def write_json(final: Path, document: object) -> None:
    """Write a JSON document to `final`, and replace the file that was there."""
    write_bytes(final, (json.dumps(document, indent=2, sort_keys=True) + "\n").encode())


def write_bytes(final: Path, content: bytes) -> None:
    """Write a file, and replace the one that was there."""
    path = temporary_path(final)
    with locks.new_file(path) as file:
        try:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
            rename(path, final)
        finally:
            path.unlink(missing_ok=True)


@contextmanager
def replace_folder(final: Path) -> Iterator[Path]:
    """Yield a new folder whose content is at `final` when the `with` block ends without an error.

    It replaces the folder that was there; publish_folder says how.
    """
    with staging_folder(final) as new:
        yield new
        publish_folder(new, final)


@contextmanager
def staging_folder(final: Path) -> Iterator[Path]:
    """Make a hidden folder for what will be at `final`, and remove it unless it was renamed.

    It is on the same volume: beside `final`, or in `final` where nothing can be written beside it,
    or where `final` is a mount point, which cannot be renamed. What killed writers left is removed.
    """
    for parent in (final.parent, final):
        for leftover in _leftovers(parent, final.name):
            with suppress(OSError):  # One of another user may stay: it is in nobody's way.
                locks.remove_abandoned(leftover)
    with ExitStack() as stack:
        new = _new_staging_folder(final, stack)
        try:
            yield new
        finally:
            shutil.rmtree(new, ignore_errors=True)


def _new_staging_folder(final: Path, stack: ExitStack) -> Path:
    """Make a folder whose lock is held until the stack is closed, and return its path."""
    # Folders have no suffix: what follows a dot belongs to the name, as in lake-20x0.5.
    name = f".{final.name}.{uuid.uuid4().hex}.tmp"
    if not _is_mount_point(final):
        try:
            make_folder(final.parent)
            stack.enter_context(locks.new_folder(final.with_name(name)))
        except OSError:
            if not final.is_dir():
                raise
        else:
            return final.with_name(name)
    stack.enter_context(locks.new_folder(final / name))
    return final / name


def publish_folder(new: Path, final: Path) -> None:
    """Put the content of a folder that staging_folder made at `final`, in place of what was there.

    All of it is flushed to the disk before it appears.
    If `new` is beside `final`, two renames do this: a process that is killed between them leaves no
    folder at `final`, but never an incomplete one. If `new` is in `final`, the files and folders in
    it are renamed one by one. After an error, what was there is there again.
    """
    with ThreadPoolExecutor(SYNCS_AT_ONCE, thread_name_prefix="disk") as executor:
        for _ in executor.map(fsync, (*new.rglob("*"), new)):
            pass  # Going through the results raises the error of a flush.
    old = new.with_name(f".{final.name}.{uuid.uuid4().hex}.tmp")
    moves: list[tuple[Path, Path]] = []
    if new.parent == final:
        old.mkdir()
        moves += [(path, old / path.name) for path in final.iterdir() if path not in (new, old)]
        moves += [(path, final / path.name) for path in new.iterdir()]
    else:
        moves += [(final, old)] if final.exists() else []
        moves += [(new, final)]
    done = 0
    try:
        for source, target in moves:
            source.replace(target)
            done += 1
        fsync(new.parent)
    except BaseException:
        for source, target in reversed(moves[:done]):
            target.replace(source)
        raise
    finally:
        shutil.rmtree(new, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)


def is_empty(folder: Path) -> bool:
    """Return whether nothing is in a folder but what killed writers of it have left."""
    leftovers = _leftovers(folder, folder.name)
    return all(path in leftovers for path in folder.iterdir())


def _is_mount_point(path: Path) -> bool:
    """Return whether another file system, or another folder of this one, is mounted at a path."""
    if os.path.ismount(path):
        return True
    table = Path("/proc/self/mountinfo")
    if not table.exists():  # Linux alone mounts single folders, which os.path.ismount cannot tell
        return False
    points = (line.split(" ")[4] for line in table.read_text().splitlines())
    return str(path.resolve()) in (
        re.sub(r"\\(\d{3})", lambda octal: chr(int(octal[1], 8)), point) for point in points
    )


def _leftovers(folder: Path, name: str) -> list[Path]:
    """List the folders that killed writers of a folder called `name` have left in `folder`."""
    return temporary_paths(folder, glob.escape(name))


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file's bytes as hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
