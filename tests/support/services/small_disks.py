"""Runs programs on a real file system of their own, of a few megabytes, which can be full."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import pytest

OWN_NAMESPACE: Final = ("unshare", "--map-root-user", "--mount")
MOUNT: Final = 'mount -t tmpfs -o "size=$1" none "$2" && shift 2 && exec "$@"'
READ_ONLY: Final = 'mount --bind "$1" "$1" && mount -o remount,ro,bind "$1" && shift && exec "$@"'


def on_small_disk(folder: Path, size: str, command: Sequence[str]) -> list[str]:
    """Return a command that runs another one, which has an empty disk of a size at a folder.

    More options of a tmpfs may follow the size: "1m,nr_inodes=10" has place for ten files.

    The disk is a tmpfs in a namespace of mounts of its own, and ends with the command. The test is
    skipped where the user may not make one.
    """
    return _in_namespace(MOUNT, size, str(folder), *command)


def on_read_only_disk(folder: Path, command: Sequence[str]) -> list[str]:
    """Return a command that runs another one, which may only read a folder, also as root."""
    return _in_namespace(READ_ONLY, str(folder), *command)


def run_python(
    code: str, folder: Path, size: str, *arguments: str, timeout_s: float = 120
) -> subprocess.CompletedProcess[str]:
    """Run Python code on a small disk, with the folder and the arguments; it must succeed."""
    tests = str(Path(__file__).parents[2])
    command = [sys.executable, "-c", code, str(folder), *arguments]
    done = subprocess.run(
        on_small_disk(folder, size, command),
        env={**os.environ, "PYTHONPATH": tests},
        capture_output=True,
        text=True,
        timeout=timeout_s,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done


def fill(folder: Path, leave_bytes: int = 0) -> Path:
    """Fill the disk of a folder but for some bytes, and return the file that takes the space."""
    ballast = folder / ".ballast"
    with ballast.open("ab", buffering=0) as file:
        while (free := shutil.disk_usage(folder).free - leave_bytes) > 0:
            os.posix_fallocate(file.fileno(), os.fstat(file.fileno()).st_size, free)
    return ballast


def _in_namespace(script: str, *arguments: str) -> list[str]:
    if (
        shutil.which("unshare") is None
        or subprocess.run([*OWN_NAMESPACE, "true"], capture_output=True).returncode
    ):
        pytest.skip("needs a mount namespace of its own")
    return [*OWN_NAMESPACE, "sh", "-c", script, "sh", *arguments]
