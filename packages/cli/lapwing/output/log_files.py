"""Writes and reads the files in which `lapwing up` keeps what the services print.

    <logs>/<service>.log                     the newest lines
    <logs>/<service>.log.1, <service>.log.2  older ones

As with containers, each service has three files of 10 MB at most.
"""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import IO, Final

MAX_BYTES: Final = 10_000_000
FILES: Final = 3
"""Number of files of a service: the one that is written, and older ones."""


class LogFile:
    """Appends to the log of one service, and begins a new file when it has grown.

    A disk that is full or gone costs lines, and never stops the service whose lines they are: it
    would wait for ever for somebody to take what it prints.

    Args:
        path: path of the newest file.
        max_bytes: size in bytes after which a new file is begun.
    """

    def __init__(self, path: Path, max_bytes: int = MAX_BYTES) -> None:
        self._path = path
        self._max_bytes = max_bytes
        self._file: IO[bytes] | None = None
        self._size = 0
        self._lost = 0
        self._lock = threading.Lock()

    def write(self, text: str) -> str:
        """Append a line, and return what people should be told of it, mostly nothing.

        They are told once that lines are lost, and once that lines are written again.
        """
        with self._lock:
            try:
                note = self._append_note()
                self._append(text)
            except OSError as error:
                self._close()
                self._lost += 1
                return f"its log is not written: {error.strerror}" if self._lost == 1 else ""
            return note

    def close(self) -> None:
        """Close the file; the next line opens it again."""
        with self._lock:
            self._close()

    def _append_note(self) -> str:
        if not self._lost:
            return ""
        note = f"its log is written again; {self._lost:,} lines are missing in it"
        # What was cut off by a full disk may end in half a line.
        self._append(f"\n[lapwing] {note}\n")
        self._lost = 0
        return note

    def _append(self, text: str) -> None:
        content = text.encode(errors="replace")
        if self._file is not None and self._size + len(content) > self._max_bytes:
            self._close()
            self._rotate()
        if self._file is None:
            # Unbuffered: what could not be written is not tried again later, within other lines.
            self._file = self._path.open("ab", buffering=0)
            self._size = os.fstat(self._file.fileno()).st_size
        written = self._file.write(content)
        self._size += written
        if written < len(content):  # The disk took a part; the next write tells why.
            self._file.write(content[written:])

    def _rotate(self) -> None:
        for number in range(FILES - 1, 0, -1):
            newer = _numbered(self._path, number - 1)
            if newer.exists():
                newer.replace(_numbered(self._path, number))

    def _close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None


class LogFollower:
    """Reads the lines that are appended to the log of one service.

    Args:
        path: path of the newest file.
        skip: whether the lines that are in it already are left out.
    """

    def __init__(self, path: Path, *, skip: bool) -> None:
        self._path = path
        self._inode, self._position = 0, 0
        if skip:
            stat = path.stat()
            self._inode, self._position = stat.st_ino, stat.st_size

    def new_lines(self) -> Iterator[str]:
        """Yield the whole lines since the last call, also those that are in an older file now."""
        with ExitStack() as stack:
            files: dict[int, IO[bytes]] = {}  # by inode, the newest first
            for number in range(FILES):
                with suppress(FileNotFoundError):  # There are not so many yet.
                    opened = stack.enter_context(_numbered(self._path, number).open("rb"))
                    files.setdefault(os.fstat(opened.fileno()).st_ino, opened)
            known = list(files).index(self._inode) if self._inode in files else len(files) - 1
            for inode, file in reversed(list(files.items())[: known + 1]):
                if inode == self._inode:
                    file.seek(self._position)
                else:
                    self._inode, self._position = inode, 0
                for line in file:
                    if line.endswith(b"\n"):
                        self._position += len(line)
                        yield line.decode(errors="replace").rstrip("\n")


def last_lines(path: Path, count: int) -> list[str]:
    """Return the last lines of a log, oldest first, also those in its older files."""
    lines: deque[str] = deque(maxlen=count)
    for number in range(FILES - 1, -1, -1):
        older = _numbered(path, number)
        if older.exists():
            with older.open(encoding="utf-8", errors="replace") as file:
                lines.extend(text.rstrip("\n") for text in file)
    return list(lines)


def find(logs: Path, names: Sequence[str] = ()) -> list[Path]:
    """Return the paths of the newest files of some services, or of all services."""
    return [logs / f"{name}.log" for name in names] if names else sorted(logs.glob("*.log"))


def _numbered(path: Path, number: int) -> Path:
    return path.with_name(f"{path.name}.{number}") if number else path
