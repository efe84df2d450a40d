"""Run training jobs: `python -m trainer`."""

from __future__ import annotations

import os
import sys
from typing import Final

from contract.jobs import queue, worker
from contract.settings import load, names
from trainer import framework
from trainer.jobs import cleanup
from trainer.settings import Settings

NICE: Final = 15
"""Niceness of the process, so that training does not slow down driving on the same machine."""


def main() -> int | str:
    """Work on the queue of training jobs until SIGTERM or Ctrl-C; return the exit status."""
    framework.set_defaults(os.environ)  # the processes of jobs inherit it
    os.nice(NICE)
    return worker.main(
        "trainer",
        queue.TRAIN,
        lambda: load(Settings, os.environ),
        f"Runs the training jobs that `lapwing train` queues. Settings: {names(Settings)}.",
        cleanup.sweep,
    )


if __name__ == "__main__":
    sys.exit(main())
