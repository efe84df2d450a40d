"""Runs Lapwing on this machine: Redis and the services of processes.SERVICES."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from contract.errors import ServiceError
from lapwing.settings import Settings, reachable
from lapwing.stack import processes
from lapwing.stack.processes import Process
from lapwing.stack.supervisor import PrintLine, Supervisor

REDIS_START_S: Final = 20.0
PORTS_S: Final = 60.0
"""Time that inference and the bridge have to open their ports."""


@contextmanager
def run_services(settings: Settings, print_line: PrintLine) -> Iterator[Supervisor]:
    """Run all services until the block ends. A process that dies is started again.

    Args:
        settings: the settings of the command line.
        print_line: is called with each line that a service prints.

    Raises:
        ServiceError: a port is taken, another `lapwing up` has the home, or Redis does not start.
    """
    _require_port(settings.inference_host, settings.inference_port, "LAPWING_INFERENCE_PORT")
    _require_port(settings.bridge_host, settings.bridge_port, "LAPWING_BRIDGE_PORT")
    table = list(processes.SERVICES)
    if not settings.redis_url:
        table = [_own_redis(settings), *processes.services_with_own_redis(settings.socket)]
    for folder in (settings.data, settings.models, settings.logs):
        folder.mkdir(parents=True, exist_ok=True)
    stop = threading.Event()
    with Supervisor(table, settings.environment(), settings.logs, print_line) as supervisor:
        supervisor.start(lambda process: _await_redis(process, settings))
        watcher = threading.Thread(target=supervisor.watch, args=(stop,))
        watcher.start()
        try:
            yield supervisor
        finally:
            stop.set()
            watcher.join()


def await_ports(settings: Settings, stop: threading.Event) -> bool:
    """Return True once inference and the bridge both accept connections, False if `stop` is set.

    Raises:
        ServiceError: one of them did not accept a connection within PORTS_S.
    """
    deadline = time.monotonic() + PORTS_S
    addresses = (
        (settings.inference_host, settings.inference_port),
        (settings.bridge_host, settings.bridge_port),
    )
    while not stop.wait(0.05):
        closed = [address for address in addresses if not _accepts(*address)]
        if not closed:
            return True
        if time.monotonic() > deadline:
            host, port = closed[0]
            raise ServiceError(
                f"port {port} on {host} did not open within {PORTS_S:.0f} s",
                remedy=f"The logs in {settings.logs} tell why",
            )
    return False


def describe_services(settings: Settings, supervisor: Supervisor) -> dict[str, object]:
    """Return the folders, the addresses and the processes of running services, for programs."""
    return {
        "home": str(settings.home.absolute()),
        "data": str(settings.data),
        "models": str(settings.models),
        "logs": str(settings.logs),
        "inference": settings.inference,
        "bridge": settings.bridge,
        "redis": settings.redis,
        "processes": supervisor.processes(),
    }


def _accepts(host: str, port: int) -> bool:
    """Tell whether a service accepts connections on a port."""
    try:
        with socket.create_connection((reachable(host), port), timeout=1.0):
            return True
    except OSError:
        return False


def _own_redis(settings: Settings) -> Process:
    """Return the process of the home's own Redis.

    Raises:
        ServiceError: its socket cannot be used, or another `lapwing up` uses it.
    """
    folder = settings.home.absolute() / "redis"
    folder.mkdir(parents=True, exist_ok=True)
    settings.socket.parent.mkdir(mode=0o700, exist_ok=True)
    if settings.socket.parent.stat().st_uid != os.getuid():
        raise ServiceError(
            "the folder for the socket of Redis belongs to another user",
            got=str(settings.socket.parent),
            remedy="Set TMPDIR to a folder of your own",
        )
    if _redis_answers(settings.socket):
        raise ServiceError(
            f"another `lapwing up` is running in {settings.home}",
            remedy="Use it, stop it, or set LAPWING_HOME to another folder",
        )
    return processes.redis_process(folder, settings.socket)


def _redis_answers(path: os.PathLike[str]) -> bool:
    """Tell whether a Redis answers on the socket `path`."""
    try:
        with Redis(unix_socket_path=str(path), retry=Retry(NoBackoff(), 0)) as connection:
            return bool(connection.ping())
    except RedisError:
        return False


def _await_redis(process: Process, settings: Settings) -> None:
    """Wait until Redis answers, before the workers start. It first reads its log of queued jobs."""
    if process.name != "redis":
        return
    deadline = time.monotonic() + REDIS_START_S
    while not _redis_answers(settings.socket):
        if time.monotonic() > deadline:
            raise ServiceError(
                f"Redis did not answer within {REDIS_START_S:.0f} s",
                remedy=f"Its log tells why: {settings.logs / 'redis.log'}",
            )
        time.sleep(0.05)


def _require_port(host: str, port: int, name: str) -> None:
    """Raise ServiceError if a port is taken; `name` is the setting that chooses it."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise ServiceError(
                f"port {port} on {host} is taken",
                got=error.strerror,
                remedy=f"Stop the program that listens there, or set {name} to another port",
            ) from error
