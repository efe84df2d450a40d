"""A cap on what this process may allocate while it reads what it does not trust."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

STATUS: Final = Path("/proc/self/status")


@contextmanager
def capped(more_bytes: int) -> Iterator[None]:
    """Let the process grow by so many bytes of private memory and no further, inside the block.

    What asks for more gets none from the kernel: a MemoryError in Python, an error in a library.
    Only on Linux, where the kernel counts private memory; elsewhere the block just runs. Other
    threads are held to it too, so keep the block short.
    """
    used = _data_bytes()
    if used is None:
        yield
        return
    before = resource.getrlimit(resource.RLIMIT_DATA)
    allowed = used + more_bytes
    highest = [each for each in (allowed, *before) if each != resource.RLIM_INFINITY]
    resource.setrlimit(resource.RLIMIT_DATA, (min(highest), before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, before)


def _data_bytes() -> int | None:
    """Return the private writable memory of the process, as RLIMIT_DATA counts it."""
    try:
        lines = STATUS.read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    (found,) = [line.split()[1] for line in lines if line.startswith("VmData:")] or ["0"]
    return int(found) * 1024 or None
