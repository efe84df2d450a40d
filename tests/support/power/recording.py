"""Records the calls by which a program changes the files of a folder, in their order.

recorder.c is loaded before the C library and writes the log that is read here.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

SOURCE: Final = Path(__file__).with_name("recorder.c")
ACKNOWLEDGED: Final = ".acknowledged"
"""Name of the file in the recorded folder to which a program writes what it has promised.

It is on no disk that a power cut leaves: it says what must be there."""
LIMIT_S: Final = 300
BEGINNING: Final = f"""
import sys
from pathlib import Path
root = Path(sys.argv[1])
def acknowledge(what):
    with (root / "{ACKNOWLEDGED}").open("a", encoding="utf-8") as file:
        file.write(what + "\\n")
"""
"""What stands before every recorded program."""


@dataclass(frozen=True)
class Call:
    """A call that changed a file or a folder, or flushed one to the disk."""

    name: str
    """open, close, dup, write, size, sync, rename, link, symlink, unlink or mkdir."""
    process: int
    descriptor: int
    """The descriptor that was opened, closed, written to or flushed; the new one of a dup."""
    number: int
    """The flags of open or rename; the descriptor that dup copied."""
    offset: int
    """Where bytes were written; the new size."""
    payload: bytes
    """The bytes that were written, the path, or two paths with a zero byte between them."""

    @property
    def paths(self) -> list[Path]:
        """The paths that the call names."""
        return [Path(os.fsdecode(part)) for part in self.payload.split(b"\0")]

    def __str__(self) -> str:
        """Return the call in words, for messages."""
        if self.name == "write":
            return f"write {len(self.payload)} bytes at {self.offset}"
        if self.name in ("close", "dup", "size", "sync"):
            return f"{self.name} of descriptor {self.descriptor}"
        return f"{self.name} {' '.join(path.name for path in self.paths)}"


def build(folder: Path) -> Path:
    """Compile the recorder into a folder, and return the library's path."""
    library = folder / "recorder.so"
    options = ["-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-pthread", "-U_FORTIFY_SOURCE"]
    subprocess.run(["gcc", *options, str(SOURCE), "-o", str(library)], check=True, timeout=60)
    return library


def record(library: Path, program: str, root: Path) -> list[Call]:
    """Run a Python program, and return its calls that change what is below `root`.

    Args:
        library: the recorder, as `build` made it.
        program: the text of the program. It finds the folder in `root`, and calls `acknowledge`
            with a line of text when it has promised something.
        root: an empty folder whose path has no links.
    """
    log = root.with_name(f"{root.name}.calls")
    log.write_bytes(b"")
    recorder = {
        "LD_PRELOAD": str(library),
        "RECORDER_ROOT": str(root),
        "RECORDER_LOG": str(log),
    }
    subprocess.run(
        [sys.executable, "-c", BEGINNING + program, str(root)],
        env={**os.environ, **recorder},
        check=True,
        timeout=LIMIT_S,
    )
    return list(_calls(log.read_bytes()))


def _calls(log: bytes) -> Iterator[Call]:
    at = 0
    while at < len(log):
        end = log.index(b"\n", at)
        name, *numbers = log[at:end].decode().split()
        process, descriptor, number, offset, count = map(int, numbers)
        at = end + 1 + count
        yield Call(name, process, descriptor, number, offset, log[end + 1 : at])
