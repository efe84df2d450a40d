"""Runs the bridge on eventlet: listens, and lends its parts the greenlets that they know not of.

The spine, and the only file that knows eventlet.
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
from driver_bridge.connection.websocket import CLOSE, PING, PONG, TEXT, FrameRefused, Frames
from driver_bridge.drive_recorder import Recorder
from driver_bridge.inference_client import Inference
from driver_bridge.live_publisher import Live, connect
from driver_bridge.settings import Settings

HANDSHAKE_S: Final = 10.0
"""For a request to be complete; whoever is slower is disconnected."""
MOST_CONNECTIONS: Final = 512
"""At the same time. Half of the files that a process may usually open; the next ones wait."""
RECORD_EVERY_S: Final = 0.05
RECORD_END_S: Final = 2.0
"""For what is queued to reach the disk when the bridge ends."""


def serve(settings: Settings, listening: Callable[[int], None] = lambda port: None) -> None:
    """Serve until SIGTERM or Ctrl-C; `listening` is told the port once it is open.

    Raises:
        ServiceError: the port is taken.
        SettingError: inference's address is none.
        OSError: the folder of recordings cannot be made.
    """
    with warnings.catch_warnings():
        # Known, and weighed in docs/adr/0005-bridge.md; not our user's concern at each start.
        warnings.simplefilter("ignore")
        import eventlet
        import eventlet.hubs
        import eventlet.tpool
        import eventlet.websocket
        import eventlet.wsgi

        eventlet.monkey_patch()
    eventlet.websocket.RFC6455WebSocket.wait = _reader(eventlet.sleep)
    listener = _listen(eventlet.listen, settings)

    @contextmanager
    def within(seconds: float) -> Iterator[None]:
        with eventlet.Timeout(seconds, TimeoutError("no answer in time")):
            yield

    class Quiet(eventlet.wsgi.HttpProtocol):  # type: ignore[misc]
        def log_message(self, *_: object) -> None:
            """Say nothing of each request that breaks off, or is none."""

    predictor = Inference(
        settings.inference_url, settings.inference_timeout_ms / 1000, settings.api_token, within
    )
    recorder = live = None
    if settings.record_dir:
        recorder = Recorder(Path(settings.record_dir), eventlet.tpool.execute)
    if settings.redis_url:
        url, password_file = settings.redis_url, settings.redis_password_file
        live = Live(lambda: connect(url, password_file), eventlet.sleep, monotonic)
    told = _tell_of_signals()
    bridge = Bridge(settings, predictor, recorder, live)
    if recorder is not None:
        eventlet.spawn(_record, recorder, eventlet.sleep)
    if live is not None:
        eventlet.spawn(live.run)
    eventlet.spawn(
        eventlet.wsgi.server,
        listener,
        bridge.wsgi(),
        log_output=False,
        protocol=Quiet,
        max_size=MOST_CONNECTIONS,
        socket_timeout=HANDSHAKE_S,
    )
    gc.freeze()  # what is there now stays: the collector need not look at it again and again
    listening(listener.getsockname()[1])
    eventlet.hubs.trampoline(told, read=True)
    if recorder is not None:
        with eventlet.Timeout(RECORD_END_S, False):
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
            remedy="End what listens there. The simulator has 4567 built in; for other clients set "
            "LAPWING_BRIDGE_PORT",
        ) from error
    # Accepted sockets inherit it. Else an answer may wait 40 ms for the client to acknowledge the
    # one before.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


def _reader(sleep: Callable[[float], object]) -> Callable[[Any], str | bytes | None]:
    """Return what takes the place of eventlet's WebSocket.wait: the next message, or None."""

    def wait(connection: Any) -> str | bytes | None:  # noqa: ANN401 - eventlet has no types
        frames: Frames = vars(connection).setdefault("frames", Frames(MAX_MESSAGE_BYTES))
        try:
            while True:
                while (message := frames.message()) is None:
                    data = connection.socket.recv(65_536)
                    if not data:
                        return None
                    frames.feed(data)
                # Else a client that has always sent more is read without end, and nobody else.
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
        except FrameRefused as error:
            connection.close(close_data=(error.status, error.reason))
        except UnicodeDecodeError:
            connection.close(close_data=(1007, "text is UTF-8"))
        return None

    return wait


def _record(recorder: Recorder, sleep: Callable[[float], object]) -> None:
    while True:
        if not recorder.write():
            sleep(RECORD_EVERY_S)


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
