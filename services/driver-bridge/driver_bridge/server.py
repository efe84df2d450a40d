"""Runs the bridge on eventlet, and gives its parts their greenlets.

Only this file uses eventlet.
"""

from __future__ import annotations

import errno
import gc
import os
import signal
import socket
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic
from typing import Any, Final

from contract.errors import ServiceError
from driver_bridge.app import MAX_MESSAGE_BYTES, Bridge
from driver_bridge.connection.simulator_server import HEARTBEAT, Heartbeat
from driver_bridge.connection.websocket import (
    CLOSE,
    PING,
    PONG,
    TEXT,
    MessageReader,
    WebSocketError,
)
from driver_bridge.drive_recorder import DriveRecorder
from driver_bridge.inference_client import SteeringClient
from driver_bridge.live_publisher import LivePublisher, connect
from driver_bridge.settings import Settings

HANDSHAKE_TIMEOUT_S: Final = 10.0
"""Time in seconds within which a request must be complete; a slower client is disconnected."""
MAX_CONNECTIONS: Final = 512
"""Number of connections at the same time: half of the files that a process may usually open. Later
connections wait."""
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
        SettingError: the address of inference is no address.
        OSError: the folder of recordings cannot be created.
    """
    with warnings.catch_warnings():
        # eventlet warns that it is in maintenance. docs/adr/0005-bridge.md says why it is used all
        # the same; a user need not read it at each start.
        warnings.simplefilter("ignore")
        import eventlet
        import eventlet.hubs
        import eventlet.tpool
        import eventlet.websocket
        import eventlet.wsgi

        eventlet.monkey_patch()
    eventlet.websocket.RFC6455WebSocket.wait = _make_reader(eventlet.sleep)
    listener = _listen(eventlet.listen, settings)

    @contextmanager
    def time_limit(seconds: float) -> Iterator[None]:
        with eventlet.Timeout(seconds, TimeoutError("no answer in time")):
            yield

    class QuietHttpProtocol(eventlet.wsgi.HttpProtocol):  # type: ignore[misc]
        def log_message(self, *_: object) -> None:
            """Log nothing of requests that break off or are no HTTP."""

    predictor = SteeringClient(
        settings.inference_url, settings.inference_timeout_ms / 1000, settings.api_token, time_limit
    )
    recorder = live = None
    if settings.record_dir:
        recorder = DriveRecorder(Path(settings.record_dir), eventlet.tpool.execute)
    if settings.redis_url:
        url, password_file = settings.redis_url, settings.redis_password_file
        live = LivePublisher(lambda: connect(url, password_file), eventlet.sleep, monotonic)
    signalled = _signal_pipe()
    bridge = Bridge(settings, predictor, recorder, live, heartbeat=heartbeat)
    if recorder is not None:
        eventlet.spawn(_record, recorder, eventlet.sleep)
    if live is not None:
        eventlet.spawn(live.run)
    eventlet.spawn(
        eventlet.wsgi.server,
        listener,
        bridge.wsgi(),
        log_output=False,
        debug=False,  # otherwise an error's traceback would be sent to the client
        protocol=QuietHttpProtocol,
        max_size=MAX_CONNECTIONS,
        socket_timeout=HANDSHAKE_TIMEOUT_S,
    )
    gc.freeze()  # what exists now stays: the garbage collector need not scan it again and again
    on_listening(listener.getsockname()[1])
    eventlet.hubs.trampoline(signalled, read=True)
    if recorder is not None:
        with eventlet.Timeout(RECORDER_FLUSH_S, False):
            while recorder.write():
                pass


def _listen(listen: Callable[[tuple[str, int]], Any], settings: Settings) -> Any:  # noqa: ANN401
    try:
        listener = listen((settings.host, settings.port))
    except OSError as error:
        if error.errno not in (errno.EADDRINUSE, errno.EACCES):
            raise
        raise ServiceError(
            f"port {settings.port} on {settings.host} cannot be opened",
            got=error.strerror,
            remedy="End the program that listens there. Udacity's simulator always connects to "
            "4567; for other clients set LAPWING_BRIDGE_PORT to another port",
        ) from error
    # Accepted sockets inherit this. Without it an answer may wait 40 ms until the client
    # acknowledges the answer before it.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


def _make_reader(sleep: Callable[[float], object]) -> Callable[[Any], str | bytes | None]:
    """Return a method that replaces eventlet's WebSocket.wait: it reads the next message.

    The method returns None once the connection has ended.
    """

    def wait(connection: Any) -> str | bytes | None:  # noqa: ANN401 - eventlet has no types
        reader: MessageReader = vars(connection).setdefault(
            "message_reader", MessageReader(MAX_MESSAGE_BYTES)
        )
        try:
            while True:
                while (message := reader.next_message()) is None:
                    data = connection.socket.recv(65_536)
                    if not data:
                        return None
                    reader.feed(data)
                # Without this, a client that always sends more would be read for ever and alone.
                sleep(0)
                opcode, payload = message
                if opcode == TEXT:
                    return str(payload, "utf-8")
                if opcode == PING:
                    connection.send(payload, control_code=PONG)
                elif opcode == CLOSE:
                    connection.close(close_data=(1000, ""))
                    return None
                elif opcode != PONG:
                    return payload
        except WebSocketError as error:
            connection.close(close_data=(error.status, error.reason))
        except UnicodeDecodeError:
            connection.close(close_data=(1007, "text must be UTF-8"))
        return None

    return wait


def _record(recorder: DriveRecorder, sleep: Callable[[float], object]) -> None:
    while True:
        if not recorder.write():
            sleep(RECORDER_POLL_S)


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
