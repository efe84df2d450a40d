"""Keeps the volumes of one machine up to date: `python -m contract.models.mirror`.

Where LAPWING_STORAGE is set, the jobs copy what they need by themselves. Inference and the command
line only read the volumes. On a machine on which no job runs, this program copies the versions, the
current version and the list of stores for them.
"""

from __future__ import annotations

import argparse
import logging
import os
import signal
import sys
import threading
from collections.abc import Mapping
from dataclasses import dataclass

from contract.errors import LapwingError, SettingError
from contract.models.registry import Registry
from contract.perpetual import PerpetualWork
from contract.settings import DataSettings, ModelSettings, load, setting
from contract.storage import stores

__all__ = ["MirrorSettings", "main", "update"]

LOG_FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"


@dataclass(frozen=True)
class MirrorSettings(ModelSettings, DataSettings):
    """The settings of the mirror; docs/settings.md lists them."""

    every_s: float = setting(
        "LAPWING_MIRROR_EVERY_S",
        5.0,
        "The mirror asks the object store for news after this many seconds.",
        minimum=0.1,
        maximum=3600,
    )


def main(environ: Mapping[str, str] = os.environ) -> int | str:
    """Copy what is new until SIGTERM or Ctrl-C; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m contract.models.mirror", description=__doc__)
    parser.add_argument("--once", action="store_true", help="Copy what is new once, and end.")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format=LOG_FORMAT)
    try:
        settings = load(MirrorSettings, environ)
        if not environ.get("LAPWING_STORAGE", "").strip():
            raise SettingError(
                "LAPWING_STORAGE is not set", remedy="Without it there is nothing to copy"
            )
        update(settings, environ)
    except LapwingError as error:
        if arguments.once or isinstance(error, SettingError):
            return f"mirror: {error}"
        logging.getLogger(__name__).error("%s", error)
    if arguments.once:
        return 0
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    work = PerpetualWork("the mirror of the object store", longest_pause_s=60.0)
    work.run(lambda: update(settings, environ), ended.wait, settings.every_s)
    return 0


def update(settings: MirrorSettings, environ: Mapping[str, str]) -> None:
    """Copy what is new once.

    Raises:
        LapwingError: the object store does not answer, or has something else than this machine.
    """
    with Registry(settings.model_dir, environ).current_version.lock():
        pass  # Taking the lock copies the versions, and follows the decisions.
    stores.pull(settings.data_dir, environ)


if __name__ == "__main__":
    sys.exit(main())
