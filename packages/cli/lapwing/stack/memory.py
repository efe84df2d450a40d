"""Measures the memory of a service and of all processes that it started, and ends the largest.

In containers the kernel does this, for each service as a whole. Without root there are three other
ways. A limit of the address space (RLIMIT_AS) or of the data (RLIMIT_DATA) holds for each process
alone, and counts memory that TensorFlow reserves and never uses. A control group of the user's own
needs systemd, which many machines and all containers lack. So the supervisor measures, a few times
a second, what is really used: it works everywhere, and only what grows by gigabytes a second can
exceed its bound by much.
"""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass

import psutil


@dataclass(frozen=True)
class Usage:
    """The memory of all processes of a session."""

    used_bytes: int
    """Memory of all of them; what several share counts once."""
    largest: psutil.Process


def list_sessions() -> dict[int, list[psutil.Process]]:
    """Return all processes of this machine by the id of their session.

    A service leads a session of its own, and all processes that it starts belong to it, also those
    whose parent has died.
    """
    sessions: dict[int, list[psutil.Process]] = {}
    for pid in psutil.pids():
        try:
            sessions.setdefault(os.getsid(pid), []).append(psutil.Process(pid))
        except (OSError, psutil.NoSuchProcess):
            continue  # it has ended meanwhile
    return sessions


def find_excess(processes: list[psutil.Process], bound_bytes: int) -> Usage | None:
    """Return what processes use if that is more than a bound, otherwise None.

    Args:
        processes: the processes of a session.
        bound_bytes: the bound of all of them together.
    """
    # The resident memory of each is read fast, and counts what they share several times: only if
    # that is too much, the shares are measured (Linux).
    sizes = {process: _resident(process) for process in processes}
    if sum(sizes.values()) <= bound_bytes:
        return None
    used = sum(_proportional(process) for process in processes)
    if used <= bound_bytes:
        return None
    return Usage(used, max(sizes, key=lambda process: sizes[process]))


def kill(process: psutil.Process) -> None:
    """Kill a process, as the kernel does in a container whose memory is used up."""
    try:
        process.send_signal(signal.SIGKILL)
    except psutil.NoSuchProcess:
        return  # it has ended by itself


def _resident(process: psutil.Process) -> int:
    try:
        return int(process.memory_info().rss)
    except psutil.Error:  # it has ended
        return 0


def _proportional(process: psutil.Process) -> int:
    try:
        memory = process.memory_full_info()
    except psutil.NoSuchProcess:
        return 0
    except psutil.AccessDenied:
        return _resident(process)
    return int(getattr(memory, "pss", memory.uss))
