"""Run training jobs: `python -m trainer`."""

from __future__ import annotations

import os
import sys
from typing import Final

from contract.jobs import queue, worker
from contract.settings import load, names
from trainer.jobs import cleanup
from trainer.settings import Settings

NICE: Final = 15
"""Niceness of the process, so that training does not slow down driving on the same machine."""


def main() -> int | str:
    """Work on the queue of training jobs until SIGTERM or Ctrl-C; return the exit status."""
    # Without this, TensorFlow logs at each start how it was compiled; errors are still logged.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
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
