"""Runs import jobs: `python -m ingest`."""

from __future__ import annotations

import os
import sys

from contract.jobs import queue, worker
from contract.settings import load
from ingest.settings import Settings


def main() -> int | str:
    """Run the jobs of the import queue until SIGTERM or Ctrl-C, and return the exit status."""
    return worker.main(
        "ingest",
        queue.INGEST,
        lambda: load(Settings, os.environ),
        "Runs the import jobs that `lapwing ingest` queues. Settings: LAPWING_REDIS_URL, "
        "LAPWING_REDIS_PASSWORD_FILE, LAPWING_DATA_DIR, LAPWING_MAX_REJECT_SHARE, "
        "LAPWING_DECODE_THREADS.",
    )


if __name__ == "__main__":
    sys.exit(main())
