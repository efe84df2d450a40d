"""A process that must not outlive its parent."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from typing import Final

__all__ = ["die_with_parent"]

PR_SET_PDEATHSIG: Final = 1  # linux/prctl.h


def die_with_parent(parent: int, sign: signal.Signals = signal.SIGKILL) -> None:
    """Ask the kernel to send `sign` to this process when its parent dies, however it dies.

    `parent` is the process id that the parent is known by: if it is gone already, `sign` comes at
    once. Only Linux can do this; elsewhere a killed parent leaves this process behind.

    Raises:
        OSError: the kernel refuses.
    """
    if sys.platform != "linux":
        return
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_PDEATHSIG, int(sign), 0, 0, 0):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    if os.getppid() != parent:
        os.kill(os.getpid(), sign)
