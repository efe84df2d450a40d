"""Keeps the copies of stores on a volume within a bound: those that were used last stay.

    <data>/stores/.mirror/<dataset>.json    which files the object store holds of a dataset; its
                                            time of change is that of the last use
    <data>/stores/.mirror/blocks/           copies of single blocks; see block_copies.py
    <data>/stores/.mirror/.room.lock        held while space is counted and freed; it holds the
                                            bytes that are free for certain

A copy in use is locked by whoever reads it (`lease`), and is not removed. Only what the object
store holds counts and is removed: a store that is not published yet is the only one.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, Final

from contract.errors import StorageError
from contract.files import atomic_files, locks

__all__ = ["FOLDER", "NodeCache"]

BLOCKS: Final = "blocks"
SPARE_SHARE: Final = 64
"""Part of the bound that is freed besides what is needed, so that blocks are counted seldom."""
FOLDER: Final = ".mirror"
"""Folder among the stores with what is known of their copies."""


class NodeCache:
    """The copies of stores on one volume.

    Args:
        stores: the folder of the stores.
        limit_bytes: how much space they take at most; 0 for no bound.
    """

    def __init__(self, stores: Path, limit_bytes: int) -> None:
        self._stores = stores
        self._folder = stores / FOLDER
        self._limit_bytes = limit_bytes

    def index(self, dataset: str) -> Path:
        """Return the path of the file that says what the object store holds of a dataset."""
        return self._folder / f"{dataset}.json"

    def lease(self, path: Path) -> int | None:
        """Open a copy and keep it from being removed until the descriptor is closed.

        Returns:
            The descriptor, or None if there is no such file any more.
        """
        try:
            descriptor = os.open(path, os.O_RDONLY)
        except FileNotFoundError:
            return None
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH)
            if os.path.samestat(path.lstat(), os.fstat(descriptor)):
                os.utime(self.index(path.stem))
                return descriptor
        except FileNotFoundError:  # It was removed just before it was locked.
            pass
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)
        return None

    @contextmanager
    def writing(self, path: Path, size: int) -> Iterator[IO[bytes]]:
        """Make room for a file, and let it be written; it appears when the block ends.

        Args:
            path: the path of the copy.
            size: its size in bytes.

        Raises:
            StorageError: the copies in use leave too little room for it.
        """
        atomic_files.make_folder(self._folder)
        temporary = self._folder / atomic_files.temporary_path(path).name
        with ExitStack() as stack:
            with self._counting() as free:
                free(size, path.name)
                file = stack.enter_context(locks.new_file(temporary))
                stack.callback(temporary.unlink, missing_ok=True)
                file.truncate(size)  # The others count it from now on.
            yield file
            file.flush()
            os.fsync(file.fileno())
            atomic_files.rename(temporary, path)

    def block(self, dataset: str, number: int) -> Path:
        """Return the path of the copy of a block."""
        return self._folder / BLOCKS / dataset / str(number)

    def add(self, path: Path, content: bytes) -> int:
        """Make room for the copy of a block, write it, and return it, opened for reading.

        Raises:
            StorageError: the copies in use leave too little room for it.
        """
        atomic_files.make_folder(path.parent)
        temporary = atomic_files.temporary_path(path)
        with self._counting() as free:
            free(len(content), f"block {path.name} of {path.parent.name}")
            try:
                temporary.write_bytes(content)
                atomic_files.fsync(temporary)
                descriptor = os.open(temporary, os.O_RDONLY)
                temporary.replace(path)
            finally:
                temporary.unlink(missing_ok=True)
        return descriptor

    def shrink(self) -> None:
        """Remove the copies that were not used for the longest time, down to the bound."""
        if self._limit_bytes and self._folder.is_dir():
            with self._counting() as free:
                free(0, "")

    def counted_bytes(self) -> int:
        """Return the space that the copies take, with those that are being written."""
        return sum(size for _, size in self._copies()) + self._unfinished_bytes()

    @contextmanager
    def _counting(self) -> Iterator[Callable[[int, str], None]]:
        """Hold the lock of the room, and yield a function that frees some of it."""
        path = self._folder / ".room.lock"
        with locks.lock(path):
            for leftover in atomic_files.temporary_paths(self._folder):
                locks.remove_abandoned(leftover)
            yield lambda needed, name: self._free(path, needed, name)

    def _free(self, noted: Path, needed: int, name: str) -> None:
        """Remove copies until `needed` more bytes keep within the bound.

        All are counted only when the room that was certain is used up; then some more is freed.
        """
        if not self._limit_bytes:
            return
        text = noted.read_text()
        free = int(text) if text.isdecimal() else 0
        if needed and free >= needed:
            noted.write_text(str(free - needed))
            return
        total, spare = self.counted_bytes(), self._limit_bytes // SPARE_SHARE
        for path, size in self._copies():
            if total + needed + spare <= self._limit_bytes:
                break
            if total + needed <= self._limit_bytes and path.suffix:
                continue  # The spare room is not worth a whole store.
            if self._remove(path):
                total -= size
        noted.write_text(str(max(self._limit_bytes - total - needed, 0)))
        if needed and total + needed > self._limit_bytes:
            raise StorageError(
                f"there is no room for a copy of {name} of {needed:,} bytes",
                got=f"{total:,} of {self._limit_bytes:,} bytes are in use",
                remedy="Set LAPWING_CACHE_BYTES to more than what one job reads at the same time",
            )

    @staticmethod
    def _remove(path: Path) -> bool:
        """Remove a copy, unless it is a store that somebody uses; return whether it is gone."""
        if path.suffix:
            return locks.remove_abandoned(path)
        path.unlink(missing_ok=True)
        return True

    def _copies(self) -> list[tuple[Path, int]]:
        """Return the copies and their sizes, those first that were not used for longest."""
        found: list[tuple[int, Path, int]] = []
        for index in self._folder.glob("[!.]*.json"):
            path = self._stores / f"{index.stem}.h5"
            try:
                found.append((index.stat().st_mtime_ns, path, path.stat().st_size))
            except FileNotFoundError:
                continue
        for path in (self._folder / BLOCKS).glob("*/*"):
            try:
                stat = path.stat()
            except FileNotFoundError:
                continue
            found.append((stat.st_mtime_ns, path, stat.st_size))
        return [(path, size) for _, path, size in sorted(found)]

    def _unfinished_bytes(self) -> int:
        total = 0
        for path in atomic_files.temporary_paths(self._folder):
            if path.suffix == ".h5":
                try:
                    total += path.stat().st_size
                except FileNotFoundError:
                    continue
        return total
