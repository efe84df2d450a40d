"""The application of the bridge: Socket.IO for simulators, and pages for people and Prometheus.

It does not depend on eventlet: only server.py does.
"""

from __future__ import annotations

import itertools
import json
import logging
import time
from collections.abc import Callable, Iterable
from typing import Any, Final

from contract.policy.answer import SpeedRange
from contract.wire.live_view import LiveView
from contract.wire.web_access import WebAccess
from driver_bridge.connection.gate import Gate, WsgiApp
from driver_bridge.connection.places import Places
from driver_bridge.connection.session import SentAnswer, Session
from driver_bridge.connection.simulator_server import HEARTBEAT, Heartbeat, SimulatorServer
from driver_bridge.control.driver import Driver, Predictor
from driver_bridge.drive_recorder import DriveRecorder, DriveRecording, RecordedRow
from driver_bridge.live_publisher import LivePublisher
from driver_bridge.metrics import BridgeMetrics
from driver_bridge.settings import Settings

log = logging.getLogger(__name__)

SESSION_COOKIE: Final = {"name": "io", "path": "/", "HttpOnly": True, "SameSite": "Strict"}
"""Cookie of a session of long polling."""
MAX_CONNECTIONS: Final = 512
"""Number of connections at the same time: half of the files that a process may usually open."""

MAX_MESSAGE_BYTES: Final = 262_144
"""Maximum size of a message. A telemetry has about 18 kB; the sender of a larger message is
disconnected."""


class Bridge:
    """Drives all simulators that are connected.

    Args:
        settings: settings of the bridge.
        predictor: predicts the answer to a frame.
        recorder: records the drives; None to record none.
        live: publishes the drives for viewers; None to publish none.
        async_mode: the kind of threads, by python-socketio's name for it.
        clock: returns seconds that never go backwards.
        heartbeat: times after which a client is taken for gone.
        max_connections: number of connections at the same time.
        name: name of this bridge for viewers, who may see several.

    Raises:
        SettingError: the settings name hosts or origins that are none, or a lowest learned speed
            above the highest.
    """

    def __init__(
        self,
        settings: Settings,
        predictor: Predictor,
        recorder: DriveRecorder | None = None,
        live: LivePublisher | None = None,
        async_mode: str = "eventlet",
        clock: Callable[[], float] = time.monotonic,
        heartbeat: Heartbeat = HEARTBEAT,
        max_connections: int = MAX_CONNECTIONS,
        name: str = "",
    ) -> None:
        self._name = name
        self.places = Places(max_connections, clock)
        self._settings = settings
        self._speeds = SpeedRange(settings.min_mph, settings.max_mph)
        self._access = WebAccess.from_settings(settings.allowed_hosts, settings.cors_origins)
        self._silenced = 0
        self._predictor = predictor
        self._recorder = recorder
        self._live = live
        self._clock = clock
        self._numbers = itertools.count(1)
        self._sessions: dict[str, Session] = {}
        self._recordings: dict[str, DriveRecording] = {}
        self._metrics = BridgeMetrics(
            lambda: {
                session.name: session.driver.ages.quantiles() for session in self._sessions.values()
            },
            {
                "recorded": (
                    "Frames that were recorded",
                    lambda: recorder.written if recorder else 0,
                ),
                "record_dropped": (
                    "Frames that were not recorded: the disk was too slow, full or gone",
                    lambda: recorder.dropped if recorder else 0,
                ),
                "published": (
                    "Views that were published for viewers",
                    lambda: live.published if live else 0,
                ),
                "evicted": (
                    "Connections that were closed to make room for others",
                    lambda: self.places.evicted,
                ),
                "silent": (
                    "Clients that were disconnected because they never sent a telemetry",
                    lambda: self._silenced,
                ),
            },
        )
        self._server = SimulatorServer(
            heartbeat,
            async_mode=async_mode,
            # A telemetry is put in the mailbox of its simulator by the reader, in its order.
            async_handlers=False,
            max_http_buffer_size=MAX_MESSAGE_BYTES,
            # As Socket.IO 1 and 2 had it: a balancer reads there which bridge has a session of long
            # polling. Nothing else reads it.
            cookie=SESSION_COOKIE,
            # The gate has judged the origin; otherwise any web page could drive.
            cors_allowed_origins=lambda origin, environ: True,
            # Without these loggers the libraries would print past the log of this process.
            logger=_warning_logger("socketio"),
            engineio_logger=_warning_logger("engineio"),
        )
        self._server.on("connect", self._connect)
        self._server.on("disconnect", self._disconnect)
        self._server.on("telemetry", self._telemetry)

    def wsgi(self, upgrade: Callable[..., object] | None = None) -> WsgiApp:
        """Return the WSGI application: Socket.IO, /healthz, /readyz and /metrics.

        Args:
            upgrade: answers the requests for websockets; None for the library's own class.
        """
        import socketio

        if upgrade is not None:
            self._server.use_websocket(upgrade)
        return Gate(socketio.WSGIApp(self._server, self._page), self._access, MAX_MESSAGE_BYTES)

    def close_silent(self) -> None:
        """Disconnect the clients that never sent a telemetry, although they had the time."""
        closed = self._server.close_silent()
        self._silenced += closed
        if closed:
            log.info("disconnected %d clients that never sent a telemetry", closed)

    def _connect(self, sid: str, _environ: dict[str, Any], _auth: object = None) -> None:
        # Standard clients may send `auth`. The bridge asks nobody who they are.
        name = str(next(self._numbers))
        settings = self._settings
        driver = Driver(
            self._predictor,
            settings.target_mph,
            self._clock,
            settings.corner_g,
            name,
            self._speeds,
        )
        session = Session(
            name,
            driver,
            self._server.eio.create_event,
            lambda event, payload: self._server.emit(event, payload, to=sid),
            lambda sent: self._on_sent(sid, session, sent),
            lambda: self._server.hang_up(sid),
            self._clock,
        )
        self._sessions[sid] = session
        if self._live is not None:
            self._live.meet(name)
        if self._recorder is not None:
            self._recordings[sid] = self._recorder.start_drive()
        self._server.start_background_task(session.run)
        self._metrics.clients.set(len(self._sessions))
        log.info("simulator %s connected (%d now)", name, len(self._sessions))

    def _disconnect(self, sid: str, _: str) -> None:
        session = self._sessions.pop(sid)
        session.close()
        if sid in self._recordings:
            self._recordings.pop(sid).end()
        if self._live is not None:
            self._live.forget(session.name)
        self._metrics.clients.set(len(self._sessions))
        log.info("simulator %s disconnected (%d now)", session.name, len(self._sessions))

    def _telemetry(self, sid: str, payload: object = None, *_: object) -> None:
        client = self._server.client(sid)
        client.mark_driving()
        self._sessions[sid].receive(payload, client.message_began_s)

    def _on_sent(self, sid: str, session: Session, sent: SentAnswer) -> None:
        """Count, record and publish an answer that was sent."""
        answer = sent.answer
        self._metrics.answers.labels(answer.how).inc()
        self._metrics.folded.inc(sent.folded)
        self._metrics.answer_seconds.observe(sent.seconds)
        if answer.telemetry is not None and sid in self._recordings:
            row = RecordedRow(
                answer.telemetry.jpeg,
                answer.steering,
                answer.throttle,
                answer.telemetry.speed_mph,
                "" if answer.how == "model" else f"{answer.how}: {answer.why}",
            )
            self._recordings[sid].put(row)
        if self._live is not None and self._live.wants(session.name):
            self._live.put(_live_view(self._name, session, sent))

    def _page(self, environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        content_type, status = "application/json", "200 OK"
        if environ["PATH_INFO"] == "/healthz":
            simulators = [_health(session) for session in self._sessions.values()]
            body = json.dumps({"status": "ok", "simulators": simulators}).encode()
        elif environ["PATH_INFO"] == "/readyz":
            ready = self.places.has_room
            reason = "" if ready else "all places are taken by simulators that drive"
            body = json.dumps({"ready": ready, "reason": reason}).encode()
            status = status if ready else "503 Service Unavailable"
        elif environ["PATH_INFO"] == "/metrics":
            body, content_type = self._metrics.text(), "text/plain; version=0.0.4; charset=utf-8"
        else:
            body = b'{"error": "no such page: /healthz, /readyz, /metrics, /socket.io/"}'
            status = "404 Not Found"
        start(status, [("Content-Type", content_type), ("Content-Length", str(len(body)))])
        return [body]


def _warning_logger(name: str) -> logging.Logger:
    """Return a logger for a library that prints only its warnings: it reports each packet."""
    logger = logging.getLogger(f"{__name__}.{name}")
    logger.setLevel(logging.WARNING)
    return logger


def _health(session: Session) -> dict[str, Any]:
    """Return one simulator as /healthz shows it; ages are in milliseconds."""
    quantiles = session.driver.ages.quantiles()
    ages = {f"p{share * 100:.0f}": round(age * 1000, 2) for share, age in quantiles.items()}
    return {
        "simulator": session.name,
        "answers": session.answers,
        "target_mph": round(session.driver.target_mph, 2),
        "frame_age_ms": ages,
    }


def _live_view(bridge: str, session: Session, sent: SentAnswer) -> LiveView:
    answer, payload = sent.answer, sent.received.payload
    image = payload.get("image") if isinstance(payload, dict) and answer.telemetry else ""
    return LiveView(
        bridge=bridge,
        simulator=session.name,
        time_s=time.time(),
        how=answer.how,
        steering=answer.steering,
        throttle=answer.throttle,
        speed_mph=answer.telemetry.speed_mph if answer.telemetry else 0.0,
        target_mph=session.driver.target_mph,
        latency_ms=sent.seconds * 1000,
        answers=session.answers,
        image=str(image),
    )
