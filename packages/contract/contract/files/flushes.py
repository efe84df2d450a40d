"""Flushes files and folders to the disk, so that they are there after a power cut.

POSIX promises no more for the name of a new folder than for that of a file: until the folder above
it was flushed, a power cut may lose it with all that is in it.
"""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["fsync", "make_folder"]


def fsync(path: Path) -> None:
    """Flush the content of a file, or the names in a folder, to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def make_folder(folder: Path) -> None:
    """Make a folder and those above it that are missing, and flush their names to the disk."""
    if folder.is_dir():
        return
    make_folder(folder.parent)
    folder.mkdir(exist_ok=True)
    fsync(folder.parent)
