"""The bridge: a Socket.IO server on eventlet that drives every simulator that connects.

The spine, and the only file that knows eventlet.
"""

from __future__ import annotations

import errno
import json
import logging
import os
import signal
import socket
import time
import warnings
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Final

from contract.errors import ServiceError
from driver_bridge.client import Inference
from driver_bridge.dialect import SimulatorServer
from driver_bridge.driver import Driver, Predictor
from driver_bridge.masking import apply_mask
from driver_bridge.metrics import Metrics
from driver_bridge.recorder import Recorder
from driver_bridge.settings import Settings

log = logging.getLogger(__name__)

MAX_MESSAGE_BYTES: Final = 262_144
"""A telemetry has about 18 kB; what is larger is refused and its sender disconnected."""

App = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


def create_app(
    settings: Settings,
    predictor: Predictor,
    keep: Callable[[bytes], object],
    clock: Callable[[], float] = time.monotonic,
) -> App:
    """Return the WSGI application: Socket.IO, /healthz and /metrics."""
    import socketio

    metrics = Metrics()
    drivers: dict[str, Driver] = {}
    server = SimulatorServer(
        async_mode="eventlet",
        # A client's next telemetry is read when the last was answered: one that floods us fills
        # its own connection and nobody else's.
        async_handlers=False,
        max_http_buffer_size=MAX_MESSAGE_BYTES,
        # Same origin only: else any web page could drive. The simulator sends no Origin at all.
        cors_allowed_origins=None,
    )

    def connect(sid: str, _: dict[str, Any]) -> None:
        drivers[sid] = Driver(predictor, settings.target_mph, keep, clock)
        metrics.clients.set(len(drivers))
        log.info("a simulator connected (%d now)", len(drivers))

    def disconnect(sid: str, _: str) -> None:
        drivers.pop(sid, None)
        metrics.clients.set(len(drivers))
        log.info("a simulator left (%d now)", len(drivers))

    def telemetry(sid: str, payload: object = None) -> None:
        began = clock()
        event, answer, how = drivers[sid].answer(payload)
        server.emit(event, answer, to=sid)
        metrics.answers.labels(how).inc()
        metrics.answer_seconds.observe(clock() - began)

    server.on("connect", connect)
    server.on("disconnect", disconnect)
    server.on("telemetry", telemetry)

    def pages(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        if environ["PATH_INFO"] == "/healthz":
            body = json.dumps({"status": "ok", "simulators": len(drivers)}).encode()
            start("200 OK", [("Content-Type", "application/json")])
        elif environ["PATH_INFO"] == "/metrics":
            body = metrics.text()
            start("200 OK", [("Content-Type", "text/plain; version=0.0.4; charset=utf-8")])
        else:
            body = b'{"error": "no such page: /healthz, /metrics, /socket.io/"}'
            start("404 Not Found", [("Content-Type", "application/json")])
        return [body]

    app: App = socketio.WSGIApp(server, pages)
    return app


def serve(settings: Settings, listening: Callable[[int], None] = lambda port: None) -> None:
    """Serve until SIGTERM or Ctrl-C; `listening` is told the port once it is open.

    Raises:
        ServiceError: the port is taken.
    """
    with warnings.catch_warnings():
        # Known, and weighed in docs/adr/0005-bridge.md; not our user's concern at each start.
        warnings.simplefilter("ignore")
        import eventlet
        import eventlet.hubs
        import eventlet.websocket
        import eventlet.wsgi

        eventlet.monkey_patch()
        eventlet.websocket.RFC6455WebSocket._apply_mask = staticmethod(apply_mask)
    try:
        listener = eventlet.listen((settings.host, settings.port))
    except OSError as error:
        if error.errno not in (errno.EADDRINUSE, errno.EACCES):
            raise
        raise ServiceError(
            f"port {settings.port} on {settings.host} cannot be opened",
            got=error.strerror,
            remedy="End what listens there. The simulator has 4567 built in; for other clients set "
            "LAPWING_BRIDGE_PORT",
        ) from error
    # Accepted sockets inherit it. Else an answer may wait 40 ms for the client to acknowledge the
    # one before: two are in flight from the start.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    predictor = Inference(settings.inference_url, settings.inference_timeout_ms / 1000)
    keep = Recorder(Path(settings.record_dir)).keep if settings.record_dir else _drop
    told = _tell_of_signals()
    app = create_app(settings, predictor, keep)
    eventlet.spawn(eventlet.wsgi.server, listener, app, log_output=False)
    listening(listener.getsockname()[1])
    eventlet.hubs.trampoline(told, read=True)


def _drop(jpeg: bytes) -> None:
    """Keep nothing."""


def _tell_of_signals() -> int:
    """Return a file descriptor that becomes readable on SIGTERM and SIGINT.

    Not an exception raised by the handler: it would come up in whichever greenlet runs just then,
    and the libraries' own, which must outlive any error of ours, swallow it.
    """
    told, tell = os.pipe()
    os.set_blocking(tell, False)
    signal.set_wakeup_fd(tell)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)
    return told
