"""Run evaluations: `python -m evaluator`."""

from __future__ import annotations

import os
import sys
from typing import Final

from contract.jobs import queue, worker
from contract.settings import load, names
from evaluator.jobs import cleanup
from evaluator.settings import Settings

NICE: Final = 15
"""As training, it stands back for whoever drives on the same machine."""


def main() -> int | str:
    """Work on the queue of evaluations until SIGTERM or Ctrl-C; return the exit status."""
    os.nice(NICE)
    return worker.main(
        "evaluator",
        queue.EVALUATION,
        lambda: load(Settings, os.environ),
        "Drives published models in the simulator, decides which may become current, and writes "
        f"reports. Settings: {names(Settings)}.",
        cleanup.sweep,
    )


if __name__ == "__main__":
    sys.exit(main())
