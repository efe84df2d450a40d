"""Lets one process alone run the services of a home."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import IO, Final

from contract.errors import ServiceError

NAME: Final = "up.lock"


@contextmanager
def hold_home(home: Path) -> Iterator[None]:
    """Hold the lock of a home, which must exist; the kernel releases it when the holder dies.

    Raises:
        ServiceError: another process holds it; the error says which, and since when.
    """
    with (home / NAME).open("a+", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ServiceError(
                f"another `lapwing up` or `lapwing demo` is running in {home}",
                got=_describe_holder(file),
                remedy="Use it, stop it, or set LAPWING_HOME to another folder",
            ) from None
        file.truncate(0)
        now = datetime.now().astimezone().isoformat(" ", timespec="seconds")
        json.dump({"process": os.getpid(), "since": now}, file)
        file.flush()
        yield


def _describe_holder(file: IO[str]) -> str:
    file.seek(0)
    try:
        holder = json.load(file)
        return f"process {holder['process']:d}, since {holder['since']}"
    except (ValueError, KeyError, TypeError):  # It has taken the lock, and not yet said who it is.
        return "a process that has just started"
