"""Runs import jobs: `python -m ingest`."""

from __future__ import annotations

import os
import sys

from contract.jobs import queue, worker
from contract.settings import load, names
from ingest import leftovers
from ingest.settings import Settings


def main() -> int | str:
    """Run the jobs of the import queue until SIGTERM or Ctrl-C, and return the exit status."""
    return worker.main(
        "ingest",
        queue.INGEST,
        lambda: load(Settings, os.environ),
        f"Runs the import jobs that `lapwing ingest` queues. Settings: {names(Settings)}.",
        leftovers.sweep,
    )


if __name__ == "__main__":
    sys.exit(main())
