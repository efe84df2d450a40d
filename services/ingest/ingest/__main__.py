"""Run import jobs: `python -m ingest`."""

from __future__ import annotations

import argparse
import logging
import os
import sys
from pathlib import Path

from contract import jobs, worker
from contract.errors import LapwingError
from contract.settings import load
from ingest.settings import Settings


def main() -> int:
    """Work on the queue of imports until SIGTERM or Ctrl-C; return the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m ingest",
        description="Runs the import jobs that `lapwing ingest` queues.",
        epilog="Settings: LAPWING_REDIS_URL, LAPWING_REDIS_PASSWORD_FILE, LAPWING_DATA_DIR, "
        "LAPWING_MAX_REJECT_SHARE, LAPWING_DECODE_THREADS.",
    )
    parser.add_argument(
        "--check", action="store_true", help="exit 0 if this machine's worker is alive, 1 if not"
    )
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format=worker.LOG_FORMAT)
    try:
        settings = load(Settings, os.environ)
        settings.data_dir.mkdir(parents=True, exist_ok=True)
        password = Path(settings.redis_password_file) if settings.redis_password_file else None
        connection = jobs.connect(settings.redis_url, password)
        if arguments.check:
            return 0 if worker.is_alive(jobs.INGEST, connection) else 1
        worker.work(jobs.INGEST, connection)
    except LapwingError as error:
        print(f"ingest: {error}", file=sys.stderr)  # noqa: T201 - the door to the terminal
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
