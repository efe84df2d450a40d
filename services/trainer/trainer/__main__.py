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
    argparse.ArgumentParser(
        prog="python -m trainer",
        description="Runs the training jobs that `lapwing train` queues.",
        epilog="Settings: LAPWING_REDIS_URL, LAPWING_REDIS_PASSWORD_FILE, LAPWING_DATA_DIR, "
        "LAPWING_MODEL_DIR, LAPWING_READERS, LAPWING_QUEUE_MIB.",
    ).parse_args()
    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    try:
        settings = load(Settings, os.environ)
        settings.model_dir.mkdir(parents=True, exist_ok=True)
        password = Path(settings.redis_password_file) if settings.redis_password_file else None
        worker.work(jobs.TRAIN, jobs.connect(settings.redis_url, password))
    except LapwingError as error:
        print(f"trainer: {error}", file=sys.stderr)  # noqa: T201 - the door to the terminal
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
