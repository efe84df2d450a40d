"""Run training jobs: `python -m trainer`."""

from __future__ import annotations

import argparse
import logging
import os
import sys
from pathlib import Path

from contract import jobs, worker
from contract.errors import LapwingError
from contract.settings import load
from trainer.settings import Settings


def main() -> int:
    """Work on the queue of trainings until SIGTERM or Ctrl-C; return the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m trainer",
        description="Runs the training jobs that `lapwing train` queues.",
        epilog="Settings: LAPWING_REDIS_URL, LAPWING_REDIS_PASSWORD_FILE, LAPWING_DATA_DIR, "
        "LAPWING_MODEL_DIR, LAPWING_READERS, LAPWING_QUEUE_MIB.",
    )
    parser.add_argument(
        "--check", action="store_true", help="exit 0 if this machine's worker is alive, 1 if not"
    )
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format=worker.LOG_FORMAT)
    # TensorFlow tells at each start how it was compiled; errors still show.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    try:
        settings = load(Settings, os.environ)
        settings.model_dir.mkdir(parents=True, exist_ok=True)
        password = Path(settings.redis_password_file) if settings.redis_password_file else None
        connection = jobs.connect(settings.redis_url, password)
        if arguments.check:
            return 0 if worker.is_alive(jobs.TRAIN, connection) else 1
        worker.work(jobs.TRAIN, connection)
    except LapwingError as error:
        print(f"trainer: {error}", file=sys.stderr)  # noqa: T201 - the door to the terminal
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
