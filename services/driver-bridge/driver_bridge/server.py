"""Runs the bridge on eventlet, and gives its parts their greenlets.

Only this file and http_protocol.py use eventlet.
"""

from __future__ import annotations

import gc
import ipaddress
import logging
import os
import resource
import signal
import socket
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from time import monotonic
from typing import Any, Final

from contract.errors import ServiceError, SettingError
from contract.perpetual import PerpetualWork
from driver_bridge.app import MAX_CONNECTIONS, Bridge
from driver_bridge.connection.paced_listener import PacedListener
from driver_bridge.connection.patient_listener import PatientListener
from driver_bridge.connection.simulator_server import HEARTBEAT, Heartbeat
from driver_bridge.drive_recorder import DriveRecorder, Offload
from driver_bridge.inference_client import SteeringClient
from driver_bridge.live_publisher import LivePublisher, connect
from driver_bridge.settings import Settings

log = logging.getLogger(__name__)

ENDING_CONNECTIONS: Final = 64
"""Number of connections beside those with a place: they have just come, or are about to end because
they made room."""
SILENCE_POLL_S: Final = 0.2
RECORDER_POLL_S: Final = 0.05
RECORDER_FLUSH_S: Final = 2.0
"""Time in seconds in which queued rows may reach the disk when the bridge ends."""


def serve(
    settings: Settings,
    on_listening: Callable[[int], None] = lambda port: None,
    heartbeat: Heartbeat = HEARTBEAT,
) -> None:
    """Serve until SIGTERM or Ctrl-C; call `on_listening` with the port once it is open.

    Args:
        settings: settings of the bridge.
        on_listening: is called with the port.
        heartbeat: times after which a client is taken for gone.

    Raises:
        ServiceError: the port is in use.
        SettingError: the address of inference or of Redis is no address, or the folder of
            recordings cannot be created.
    """
    with warnings.catch_warnings():
        # eventlet warns that it is in maintenance. docs/adr/0005-bridge.md says why it is used all
        # the same; a user need not read it at each start.
        warnings.simplefilter("ignore")
        import eventlet
        import eventlet.hubs
        import eventlet.tpool
        import eventlet.wsgi
        from eventlet.support import greendns

        eventlet.monkey_patch()
        from driver_bridge import http_protocol
    listener = _listen(eventlet.listen, settings)

    @contextmanager
    def time_limit(seconds: float) -> Iterator[None]:
        with eventlet.Timeout(seconds, TimeoutError("no answer in time")):
            yield

    predictor = SteeringClient(
        settings.inference_url,
        settings.inference_timeout_ms / 1000,
        settings.api_token,
        time_limit,
        greendns.resolver.clear,
    )
    recorder = live = None
    if settings.record_dir:
        recorder = _open_recorder(Path(settings.record_dir), eventlet.tpool.execute)
    if settings.redis_url:
        url, password_file = settings.redis_url, settings.redis_password_file
        connect(url, password_file).close()  # a bad setting is told now, not when it is used
        live = LivePublisher(lambda: connect(url, password_file), eventlet.sleep, monotonic)
    if settings.api_token and not _is_loopback(settings.host):
        log.warning(
            "LAPWING_API_TOKEN is set, but the bridge asks nobody for it: the simulator cannot "
            "send one. Whoever reaches port %d on %s can drive. Open it to this machine alone "
            "with LAPWING_BRIDGE_HOST=127.0.0.1 (in containers LAPWING_BIND), or use a firewall",
            settings.port,
            settings.host,
        )
    signalled = _signal_pipe()
    bridge = Bridge(
        settings,
        predictor,
        recorder,
        live,
        heartbeat=heartbeat,
        max_connections=min(MAX_CONNECTIONS, _max_files() // 2),
        name=f"{socket.gethostname()}:{listener.getsockname()[1]}",
    )

    def keep(name: str, step: Callable[[], object], every_s: float) -> None:
        """Do a step again and again in a greenlet of its own, whatever happens to it."""
        eventlet.spawn(PerpetualWork(name).run, step, eventlet.sleep, every_s)

    paced_listener = PacedListener(listener, monotonic, eventlet.sleep)
    patient_listener = PatientListener(paced_listener, eventlet.sleep)
    application = bridge.wsgi(http_protocol.WebSocketUpgrade)

    def serve_web() -> None:
        eventlet.wsgi.server(
            patient_listener,
            application,
            log_output=False,
            debug=False,  # otherwise an error's traceback would be sent to the client
            protocol=http_protocol.placed(bridge.places),
            # The places bound the connections. At this bound eventlet waits until one has ended.
            max_size=bridge.places.most + ENDING_CONNECTIONS,
            socket_timeout=http_protocol.REQUEST_S,
        )
        raise ServiceError("the library's web server has ended")

    if recorder is not None:
        keep("the recorder of drives", partial(_record, recorder), RECORDER_POLL_S)
    if live is not None:
        keep("the live view", live.run, SILENCE_POLL_S)
    keep("the web server", serve_web, 0.0)
    keep("the watch for silent clients", bridge.close_silent, SILENCE_POLL_S)
    gc.freeze()  # what exists now stays: the garbage collector need not scan it again and again
    on_listening(listener.getsockname()[1])
    eventlet.hubs.trampoline(signalled, read=True)
    if recorder is not None:
        with eventlet.Timeout(RECORDER_FLUSH_S, False):
            _record(recorder)


def _open_recorder(folder: Path, offload: Offload) -> DriveRecorder:
    try:
        return DriveRecorder(folder, offload)
    except OSError as error:
        raise SettingError(
            "the folder for recorded drives cannot be made",
            got=f"{str(folder)!r} ({error.strerror})",
            remedy="LAPWING_RECORD_DIR, or --record, takes a folder in which this user may write",
        ) from error


def _listen(listen: Callable[..., Any], settings: Settings) -> Any:  # noqa: ANN401
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        # eventlet would share the port with another bridge, and the kernel would then deal out the
        # simulators between the two.
        listener = listen((settings.host, settings.port), family, reuse_port=False)
    except OSError as error:
        raise ServiceError(
            f"port {settings.port} on {settings.host} cannot be opened",
            got=error.strerror,
            remedy="End the program that listens there, or set LAPWING_BRIDGE_HOST to an address "
            "of this machine. Udacity's simulator always connects to 4567; for other clients set "
            "LAPWING_BRIDGE_PORT to another port",
        ) from error
    # Accepted sockets inherit this. Without it an answer may wait 40 ms until the client
    # acknowledges the answer before it.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


def _is_loopback(host: str) -> bool:
    """Return whether only this machine reaches what listens on this address."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _max_files() -> int:
    """Return the number of files that this process may open."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return 65_536 if soft == resource.RLIM_INFINITY else soft


def _record(recorder: DriveRecorder) -> None:
    """Write the rows that are queued."""
    while recorder.write():
        pass


def _signal_pipe() -> int:
    """Return a file descriptor that becomes readable on SIGTERM and SIGINT.

    A signal handler must not raise here: the exception would come up in whichever greenlet runs at
    that moment, and the greenlets of the libraries, which must survive all our errors, swallow it.
    """
    readable, writable = os.pipe()
    os.set_blocking(writable, False)
    signal.set_wakeup_fd(writable)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)
    return readable
