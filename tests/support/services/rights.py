"""Runs a program that may not read or write what only its owner, or nobody, may."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence


def run_without_privileges(
    arguments: Sequence[str], environ: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run Python with these arguments; root is bound by the modes of files like other users."""
    return subprocess.run(
        without_privileges([sys.executable, *arguments]),
        env={**os.environ, **(environ or {})},
        capture_output=True,
        text=True,
        timeout=60,
    )


def without_privileges(command: Sequence[str]) -> list[str]:
    """Return a command that runs another one, in which root is bound by modes like other users."""
    drop = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"]
    return [*(drop if os.getuid() == 0 else []), *command]
