"""Runs Lapwing on this machine: Redis and the services of processes.SERVICES."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError, ResponseError
from redis.retry import Retry

from contract.errors import ServiceError, SettingError
from contract.setting_forms import mask
from contract.watchdog import Watchdog
from lapwing.settings import Settings, reachable
from lapwing.stack import processes
from lapwing.stack.home_lock import hold_home
from lapwing.stack.processes import Process
from lapwing.stack.supervisor import PrintLine, Supervisor

REDIS_START_S: Final = 20.0
REDIS_STOP_S: Final = 10.0
PORTS_S: Final = 60.0
"""Time that inference and the bridge have to open their ports."""
LOOK_S: Final = 5.0
"""Longest time in seconds between two looks at one of these limits, unless this process stands
still: asking a port or Redis takes up to 2 s."""


@contextmanager
def run_services(settings: Settings, print_line: PrintLine) -> Iterator[Supervisor]:
    """Run all services until the block ends. A process that dies is started again.

    Args:
        settings: the settings of the command line.
        print_line: is called with each line that a service prints.

    Raises:
        ServiceError: a port is taken, another `lapwing up` has the home, or Redis does not start.
    """
    for folder, name in (
        (settings.data, "LAPWING_DATA_DIR"),
        (settings.models, "LAPWING_MODEL_DIR"),
        (settings.logs, "LAPWING_HOME"),
    ):
        _make_folder(folder, name)
    stop = threading.Event()
    with (
        hold_home(settings.home.absolute()),
        Supervisor(
            _table(settings), settings.environment(), settings.logs, print_line
        ) as supervisor,
    ):
        supervisor.start(lambda process: _await_redis(process, settings))
        watcher = threading.Thread(target=supervisor.watch, args=(stop,))
        watcher.start()
        try:
            yield supervisor
        finally:
            stop.set()
            watcher.join()


def _table(settings: Settings) -> list[Process]:
    """Return the processes to run, after a look at what they need: their ports and their Redis."""
    _require_port(settings.inference_host, settings.inference_port, "LAPWING_INFERENCE_PORT")
    _require_port(settings.bridge_host, settings.bridge_port, "LAPWING_BRIDGE_PORT")
    if settings.redis_url:
        return list(processes.SERVICES)
    return [_own_redis(settings), *processes.services_with_own_redis(settings.socket)]


def await_ports(settings: Settings, stop: threading.Event) -> bool:
    """Return True once inference and the bridge both accept connections, False if `stop` is set.

    Raises:
        ServiceError: one of them did not accept a connection within PORTS_S.
    """
    patience = Watchdog(PORTS_S, LOOK_S)
    addresses = (
        (settings.inference_host, settings.inference_port),
        (settings.bridge_host, settings.bridge_port),
    )
    while not stop.wait(0.05):
        closed = [address for address in addresses if not _accepts(*address)]
        if not closed:
            return True
        patience.look()
        if patience.is_expired:
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
        "redis": mask(settings.redis),
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
        ServiceError: its socket cannot be used, or a Redis that another process started uses it.
    """
    folder = settings.home.absolute() / "redis"
    _make_folder(folder, "LAPWING_HOME")
    settings.socket.parent.mkdir(mode=0o700, exist_ok=True)
    if settings.socket.parent.stat().st_uid != os.getuid():
        raise ServiceError(
            "the folder for the socket of Redis belongs to another user",
            got=str(settings.socket.parent),
            remedy="Set TMPDIR to a folder of your own",
        )
    # After a `lapwing up` that was killed, its Redis takes a moment to write what it holds.
    patience = Watchdog(REDIS_STOP_S, LOOK_S)
    while _redis_answers(settings.socket):
        patience.look()
        if patience.is_expired:
            raise ServiceError(
                f"a Redis runs in {settings.home.absolute()} that no `lapwing up` has started",
                got=str(settings.socket),
                remedy="Stop it, or set LAPWING_HOME to another folder",
            )
        time.sleep(0.1)
    return processes.redis_process(folder, settings.socket)


def _make_folder(folder: Path, name: str) -> None:
    """Make a folder; raise SettingError with the name of its setting if that is not possible."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SettingError(
            f"the folder {folder} cannot be made",
            got=error.strerror,
            remedy=f"Set {name} to a folder in which this user may write",
        ) from error


def _redis_answers(path: os.PathLike[str]) -> bool:
    """Tell whether a Redis answers on the socket `path`."""
    try:
        with Redis(unix_socket_path=str(path), retry=Retry(NoBackoff(), 0)) as connection:
            return bool(connection.ping())
    except ResponseError:  # It answers that it cannot write to its disk.
        return True
    except RedisError:
        return False


def _await_redis(process: Process, settings: Settings) -> None:
    """Wait until Redis answers, before the workers start. It first reads its log of queued jobs."""
    if process.name != "redis":
        return
    patience = Watchdog(REDIS_START_S, LOOK_S)
    while not _redis_answers(settings.socket):
        patience.look()
        if patience.is_expired:
            raise ServiceError(
                f"Redis did not answer within {REDIS_START_S:.0f} s",
                remedy=f"Its log tells why: {settings.logs / 'redis.log'}",
            )
        time.sleep(0.05)


def _require_port(host: str, port: int, name: str) -> None:
    """Raise ServiceError if a port is taken; `name` is the setting that chooses it."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise ServiceError(
                f"port {port} on {host} is taken",
                got=error.strerror,
                remedy=f"Stop the program that listens there, or set {name} to another port",
            ) from error
