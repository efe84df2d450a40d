"""What all child processes share: where they find modules, and that they die with their parent."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from typing import Final

__all__ = ["SAFE_PATH", "die_with_parent"]

SAFE_PATH: Final = {"PYTHONSAFEPATH": "1"}
"""Environment variables of every Python process that Lapwing starts.

Without them `python -m` and multiprocessing look for modules in the current folder first, and run a
user's own inference.py or queue.py. The option -P does the same, but only for one process, and not
for those that it starts in turn."""
PR_SET_PDEATHSIG: Final = 1  # from linux/prctl.h


def die_with_parent(parent: int, death_signal: int = signal.SIGKILL) -> None:
    """Ask the kernel to send a signal to this process when its parent dies for any reason.

    Only Linux can do this. On other systems this process goes on after its parent was killed.

    Args:
        parent: process id of the parent. If that process has died already, the signal is sent at
            once.
        death_signal: number of the signal to send.

    Raises:
        OSError: the kernel refuses the request.
    """
    if sys.platform != "linux":
        return
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_PDEATHSIG, death_signal):
        error_number = ctypes.get_errno()
        raise OSError(error_number, os.strerror(error_number))
    if os.getppid() != parent:
        os.kill(os.getpid(), death_signal)
