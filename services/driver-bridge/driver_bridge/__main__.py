"""Runs the bridge: `python -m driver_bridge`."""

from __future__ import annotations

import argparse
import dataclasses
import logging
import os
import sys
from pathlib import Path

from contract.errors import LapwingError
from contract.settings import load, names
from driver_bridge.log_limit import LogRateLimit
from driver_bridge.server import serve
from driver_bridge.settings import Settings


def main() -> int | str:
    """Serve until SIGTERM or Ctrl-C; return the exit status, or an error message for sys.exit."""
    parser = argparse.ArgumentParser(
        prog="python -m driver_bridge",
        description="Drives every simulator that connects with the steering of inference.",
        epilog=f"Settings: {names(Settings)}.",
    )
    parser.add_argument(
        "--record",
        metavar="FOLDER",
        type=Path,
        help="record each drive in this folder, in the format of the simulator's recorder",
    )
    arguments = parser.parse_args()
    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    for handler in logging.getLogger().handlers:
        handler.addFilter(LogRateLimit())
    log = logging.getLogger("driver_bridge")
    try:
        settings = load(Settings, os.environ)
        if arguments.record:
            settings = dataclasses.replace(settings, record_dir=str(arguments.record))
        serve(settings, lambda port: log.info("listening on ws://%s:%d", settings.host, port))
    except LapwingError as error:
        return f"driver-bridge: {error}"
    return 0


if __name__ == "__main__":
    status = main()
    if status == 0:
        # All rows are written. The normal end of the interpreter lets other greenlets run, which
        # may still wait for a client: the suspected reason where an end took most of a minute.
        logging.shutdown()
        os._exit(0)
    sys.exit(status)
