"""Locks on files and folders of a volume; the kernel releases them when their holder dies.

A lock (flock) belongs to a file, and not to its name. Between the moment at which a process makes
or opens a file and the moment at which it has locked it, another process may lock and remove that
file. So whoever has got a lock looks whether the name still is that of the locked file, and begins
again if it is not. Therefore everybody may remove what he has locked.

A temporary file or folder is locked by the process that writes it. If it can be locked, that
process has died, and the file may be removed.
"""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final

from contract.files.flushes import make_folder

__all__ = ["lock", "new_file", "new_folder", "remove", "remove_abandoned", "try_lock"]

EXISTING: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK
"""Flags of opening: a link is not followed, and a pipe is not waited for."""
NOT_LOCKABLE: Final = (errno.ENOENT, errno.ELOOP, errno.ENXIO)
"""Errors of opening that mean that the file is gone, or that it is a link or a socket."""


@contextmanager
def lock(path: Path, *, remove: bool = False) -> Iterator[None]:
    """Hold an exclusive lock on the file `path`, which is made if there is none.

    Args:
        path: the path of the file.
        remove: whether the file is removed in the end, for locks of which there would be many.
    """
    make_folder(path.parent)
    descriptor = _make_and_lock(path, lambda: os.open(path, os.O_RDWR | os.O_CREAT, 0o666))
    try:
        yield
    finally:
        if remove:
            path.unlink(missing_ok=True)
        os.close(descriptor)


@contextmanager
def try_lock(path: Path) -> Iterator[bool]:
    """Lock the file or folder `path` if it exists and nobody holds it; yield whether that is so."""
    descriptor = _try_to_lock(path)
    try:
        yield descriptor is not None
    finally:
        if descriptor is not None:
            os.close(descriptor)


@contextmanager
def new_folder(path: Path) -> Iterator[None]:
    """Make a folder, and hold its lock until the `with` block ends; a rename does no harm.

    Raises:
        OSError: the folder exists already, or cannot be made.
    """

    def make() -> int:
        path.mkdir()
        return os.open(path, os.O_RDONLY)

    descriptor = _make_and_lock(path, make)
    try:
        yield
    finally:
        os.close(descriptor)


@contextmanager
def new_file(path: Path) -> Iterator[IO[bytes]]:
    """Make a file and open it for writing, and hold its lock until the `with` block ends.

    Raises:
        OSError: the file exists already, or cannot be made.
    """
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
    descriptor = _make_and_lock(path, lambda: os.open(path, flags, 0o666))
    with os.fdopen(descriptor, "wb") as file:
        yield file


def remove_abandoned(path: Path) -> bool:
    """Remove a file or folder that nobody holds, and return whether it was removed.

    Raises:
        OSError: it cannot be locked or removed.
    """
    with try_lock(path) as held:
        if held:
            remove(path)
        return held


def remove(path: Path) -> None:
    """Remove a file or folder whose lock the caller holds.

    Raises:
        OSError: it cannot be removed.
    """
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink()


def _make_and_lock(path: Path, make: Callable[[], int]) -> int:
    """Wait for the lock of a file that `make` makes or opens, and return its descriptor."""
    while True:
        try:
            descriptor = make()
        except FileNotFoundError:
            if not path.parent.is_dir():
                raise
            continue  # somebody removed it before it was opened
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            if _is_named(descriptor, path):
                return descriptor
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)


def _try_to_lock(path: Path) -> int | None:
    try:
        descriptor = os.open(path, EXISTING)
    except OSError as error:
        if error.errno in NOT_LOCKABLE:
            return None
        raise
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if _is_named(descriptor, path):
            return descriptor
    except BlockingIOError:
        pass  # somebody holds it
    except BaseException:
        os.close(descriptor)
        raise
    os.close(descriptor)
    return None


def _is_named(descriptor: int, path: Path) -> bool:
    """Tell whether a path names the file that is open, and no later one of the same name."""
    try:
        named = path.lstat()
    except FileNotFoundError:
        return False
    return os.path.samestat(named, os.fstat(descriptor))
