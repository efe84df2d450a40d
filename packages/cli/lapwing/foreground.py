"""Runs a program in the foreground, as a shell would."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence


def run(command: Sequence[str], environment: Mapping[str, str]) -> int:
    """Run a command that has our terminal; return its exit status."""
    process = subprocess.Popen(command, env=environment)
    while True:
        try:
            return process.wait()
        except KeyboardInterrupt:
            continue  # it got the same Ctrl-C, and cleans up first
