"""The bridge's application: Socket.IO for simulators, pages for people. It knows no eventlet."""

from __future__ import annotations

import itertools
import json
import logging
import time
from collections.abc import Callable, Iterable
from typing import Any, Final

from contract.wire.live_view import LiveView
from driver_bridge.connection.session import Said, Session
from driver_bridge.connection.simulator_server import SimulatorServer
from driver_bridge.control.driver import Driver, Predictor
from driver_bridge.drive_recorder import Drive, Recorder, Row
from driver_bridge.live_publisher import Live
from driver_bridge.metrics import Metrics
from driver_bridge.settings import Settings

log = logging.getLogger(__name__)

MAX_MESSAGE_BYTES: Final = 262_144
"""A telemetry has about 18 kB; what is larger is refused and its sender disconnected."""

PING_S: Final = 5
"""Between two PINGs. The library keeps all of a connection until its next one is due, whoever left
meanwhile: at its own 25 s, 400 connections a second that come and go leave half a million objects
behind, and the garbage collector stops every simulator for 0.3 s to look at them."""

App = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


class Bridge:
    """All simulators that are connected.

    Args:
        settings: of the bridge.
        predictor: knows the steering of a frame.
        recorder: keeps the drives; None: nobody does.
        live: shows them; None: to nobody.
        async_mode: python-socketio's name for the kind of threads there are.
        clock: seconds that only go forward.
    """

    def __init__(
        self,
        settings: Settings,
        predictor: Predictor,
        recorder: Recorder | None = None,
        live: Live | None = None,
        async_mode: str = "eventlet",
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings = settings
        self._predictor = predictor
        self._recorder = recorder
        self._live = live
        self._clock = clock
        self._numbers = itertools.count(1)
        self._sessions: dict[str, Session] = {}
        self._drives: dict[str, Drive] = {}
        self._metrics = Metrics(
            lambda: {each.name: each.driver.ages.quantiles() for each in self._sessions.values()},
            {
                "recorded": ("Frames kept", lambda: recorder.written if recorder else 0),
                "record_dropped": (
                    "Frames not kept: the disk was too slow, full or gone",
                    lambda: recorder.dropped if recorder else 0,
                ),
                "published": ("Views told to viewers", lambda: live.published if live else 0),
            },
        )
        self._server = SimulatorServer(
            async_mode=async_mode,
            # A telemetry is put in its simulator's mailbox where it is read, in their order.
            async_handlers=False,
            max_http_buffer_size=MAX_MESSAGE_BYTES,
            ping_interval=PING_S,
            # Same origin only: else any web page could drive. The simulator sends no Origin at all.
            cors_allowed_origins=None,
            # Else each of them prints past the log of this process.
            logger=_quiet("socketio"),
            engineio_logger=_quiet("engineio"),
        )
        self._server.on("connect", self._connect)
        self._server.on("disconnect", self._disconnect)
        self._server.on("telemetry", self._telemetry)

    def wsgi(self) -> App:
        """Return the WSGI application: Socket.IO, /healthz and /metrics."""
        import socketio

        application: App = socketio.WSGIApp(self._server, self._pages)

        def plain(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
            # Websocket extensions, which is compression: of JPEGs in base64 it would cost more time
            # than all else, and our reader of frames knows none.
            environ.pop("HTTP_SEC_WEBSOCKET_EXTENSIONS", None)
            return application(environ, start)

        return plain

    def _connect(self, sid: str, _: dict[str, Any]) -> None:
        name = str(next(self._numbers))
        settings = self._settings
        driver = Driver(self._predictor, settings.target_mph, self._clock, settings.corner_g, name)
        session = Session(
            name,
            driver,
            self._server.eio.create_event,
            lambda event, payload: self._server.emit(event, payload, to=sid),
            lambda said: self._told(sid, session, said),
            self._clock,
        )
        self._sessions[sid] = session
        if self._recorder is not None:
            self._drives[sid] = self._recorder.drive()
        self._server.start_background_task(session.run)
        self._metrics.clients.set(len(self._sessions))
        log.info("simulator %s connected (%d now)", name, len(self._sessions))

    def _disconnect(self, sid: str, _: str) -> None:
        session = self._sessions.pop(sid)
        session.close()
        if sid in self._drives:
            self._drives.pop(sid).end()
        if self._live is not None:
            self._live.forget(session.name)
        self._metrics.clients.set(len(self._sessions))
        log.info("simulator %s left (%d now)", session.name, len(self._sessions))

    def _telemetry(self, sid: str, payload: object = None, *_: object) -> None:
        self._sessions[sid].receive(payload)

    def _told(self, sid: str, session: Session, said: Said) -> None:
        """Count, keep and show an answer that went."""
        answer = said.answer
        self._metrics.answers.labels(answer.how).inc()
        self._metrics.folded.inc(said.folded)
        self._metrics.answer_seconds.observe(said.seconds)
        if answer.seen is not None and sid in self._drives:
            speed_mph = answer.seen.speed_mph
            self._drives[sid].put(
                Row(answer.seen.jpeg, answer.steering, answer.throttle, speed_mph)
            )
        if self._live is not None and self._live.wants(session.name):
            self._live.show(_view(session, said))

    def _pages(self, environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        kind, status = "application/json", "200 OK"
        if environ["PATH_INFO"] == "/healthz":
            simulators = [_health(each) for each in self._sessions.values()]
            body = json.dumps({"status": "ok", "simulators": simulators}).encode()
        elif environ["PATH_INFO"] == "/metrics":
            body, kind = self._metrics.text(), "text/plain; version=0.0.4; charset=utf-8"
        else:
            body = b'{"error": "no such page: /healthz, /metrics, /socket.io/"}'
            status = "404 Not Found"
        start(status, [("Content-Type", kind), ("Content-Length", str(len(body)))])
        return [body]


def _quiet(name: str) -> logging.Logger:
    """Return a library's logger, for warnings alone: it tells of every packet as information."""
    logger = logging.getLogger(f"{__name__}.{name}")
    logger.setLevel(logging.WARNING)
    return logger


def _health(session: Session) -> dict[str, Any]:
    """Return one simulator as /healthz shows it; ages in milliseconds."""
    quantiles = session.driver.ages.quantiles()
    ages = {f"p{share * 100:.0f}": round(age * 1000, 2) for share, age in quantiles.items()}
    return {
        "simulator": session.name,
        "answers": session.answers,
        "target_mph": round(session.driver.target_mph, 2),
        "frame_age_ms": ages,
    }


def _view(session: Session, said: Said) -> LiveView:
    answer, payload = said.answer, said.received.payload
    image = payload.get("image") if isinstance(payload, dict) and answer.seen else ""
    return LiveView(
        simulator=session.name,
        time_s=time.time(),
        how=answer.how,
        steering=answer.steering,
        throttle=answer.throttle,
        speed_mph=answer.seen.speed_mph if answer.seen else 0.0,
        target_mph=session.driver.target_mph,
        latency_ms=said.seconds * 1000,
        answers=session.answers,
        image=str(image),
    )
