"""Says that a disk is full: how many bytes are needed, how many are free, and where."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from contract.errors import DiskFullError

__all__ = ["explain_full", "free_bytes", "is_full", "raise_if_full", "require", "writing"]

FULL: Final = (errno.ENOSPC, errno.EDQUOT)
TEXTS: Final = tuple(
    text for number in FULL for text in (f"errno = {number},", os.strerror(number))
)
"""How HDF5, and programs that we start, tell the same in their messages."""
MAKE_SPACE: Final = (
    "Make space on that disk, then run the command again. `lapwing prune` and `lapwing datasets "
    "remove` remove what is not needed"
)


def free_bytes(path: Path) -> int:
    """Return the free space in bytes where a file or folder is, or will be."""
    return shutil.disk_usage(_existing(path)).free


def _existing(path: Path) -> Path:
    """Return a path, or the folder nearest above it that exists."""
    while not path.exists() and path != path.parent:
        path = path.parent
    return path


def is_full(error: BaseException | None) -> bool:
    """Tell whether an error, or one that led to it, means that a disk or a quota is full."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        if isinstance(error, DiskFullError):
            return True
        if isinstance(error, OSError) and error.errno in FULL:
            return True
        if any(text in str(error) for text in TEXTS):
            return True
        error = error.__cause__ or error.__context__
    return False


def raise_if_full(folder: Path, bytes_at_once: int) -> None:
    """Raise the error that a library has lost, which says only that its file is not whole.

    Args:
        folder: the folder of the file, which is still there.
        bytes_at_once: bytes of the library's largest write; if fewer are free, it may have failed.

    Raises:
        OSError: the disk is full.
    """
    if free_bytes(folder) < bytes_at_once:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(folder))


def require(folder: Path, what: str, needed_bytes: int) -> None:
    """Check that there is space for what will be written.

    Args:
        folder: a folder on the disk, which need not exist yet.
        what: what needs the space, as the subject of a sentence: "the import of lake".
        needed_bytes: how many bytes it needs at most.

    Raises:
        DiskFullError: fewer bytes are free.
    """
    if free_bytes(folder) < needed_bytes:
        raise _too_small(folder, what, needed_bytes)


@contextmanager
def writing(folder: Path, what: str, needed_bytes: int) -> Iterator[None]:
    """Check that there is space, and say what was needed if it does not last after all.

    Other programs write to the same disk. What the `with` block removes after an error counts as
    free.

    Args:
        folder: a folder on the disk, which need not exist yet.
        what: what needs the space, as the subject of a sentence.
        needed_bytes: how many bytes it needs at most.

    Raises:
        DiskFullError: fewer bytes are free, or a write found no space.
    """
    require(folder, what, needed_bytes)
    try:
        yield
    except DiskFullError:
        raise
    except Exception as error:
        if not is_full(error):
            raise
        raise _too_small(folder, what, needed_bytes) from error


@contextmanager
def explain_full(*folders: Path) -> Iterator[None]:
    """Turn the operating system's word that a disk is full into an error that says what to do.

    Args:
        folders: folders on the disks that are written to.

    Raises:
        DiskFullError: within the `with` block a write found no space.
    """
    try:
        yield
    except OSError as error:
        if error.errno not in FULL:
            raise
        named = [Path(error.filename)] if isinstance(error.filename, str) else list(folders)
        free = ", ".join(f"{_describe_free(path)} for {path}" for path in named)
        raise DiskFullError(
            "the disk is full: a file could not be written", got=free or None, remedy=MAKE_SPACE
        ) from error


def _too_small(folder: Path, what: str, needed_bytes: int) -> DiskFullError:
    return DiskFullError(
        f"the disk is full: {what} needs {needed_bytes:,} bytes in {folder}",
        got=_describe_free(folder),
        remedy=MAKE_SPACE,
    )


def _describe_free(path: Path) -> str:
    """Return how much is free; a disk may also have no place for another file, whatever its size.

    The space may be there again: other programs write to the same disk, and free some.
    """
    path = _existing(path)
    table = os.statvfs(path)
    no_files = table.f_files > 0 and table.f_favail == 0
    return f"{free_bytes(path):,} bytes free" + (", and no more files are possible" * no_files)
