"""The simulator's side of the wire, on a bare websocket: Udacity's client, trap by trap.

Written from docs/protocol.md. It uses no Socket.IO library, because the real client's departures
from that protocol are what a bridge has to get right.
"""

from __future__ import annotations

import base64
import json
import time
from dataclasses import dataclass
from typing import Any, Final, Self

import websocket

from contract.errors import ServiceError, TelemetryError
from contract.vehicle import MAX_STEER_DEG
from simulator.unity.number_format import Locale

PATH: Final = "/socket.io/?EIO=4&transport=websocket"
PING_EVERY_S: Final = 25.0


@dataclass(frozen=True)
class Command:
    """What a bridge answered: a steering and throttle, or that a human drives."""

    manual: bool
    steering: float = 0.0
    """-1..1, as this locale reads it."""
    throttle: float = 0.0


class Client:
    """One simulator's connection.

    Args:
        url: of the bridge, such as ws://127.0.0.1:4567; the path is built in.
        locale: in which numbers are written and read.
        timeout_s: for connecting, and for each answer.

    Raises:
        ServiceError: no bridge answers there.
    """

    def __init__(self, url: str, locale: Locale, timeout_s: float = 5.0) -> None:
        self._locale = locale
        self._timeout_s = timeout_s
        try:
            self._socket = websocket.create_connection(
                url.rstrip("/") + PATH, timeout=timeout_s, suppress_origin=True
            )
        except (OSError, websocket.WebSocketException) as error:
            raise ServiceError(
                f"no bridge answers at {url}",
                got=error,
                remedy="Start Lapwing first: `lapwing up` or `docker compose up -d`",
            ) from error
        self._pinged_at = -PING_EVERY_S
        self._ping()

    def telemetry(self, steering: float, throttle: float, speed_mph: float, jpeg: bytes) -> None:
        """Send one telemetry: steering -1..1 is the command in force, and travels as degrees."""
        self._emit(
            {
                "steering_angle": self._locale.n4(steering * MAX_STEER_DEG),
                "throttle": self._locale.n4(throttle),
                "speed": self._locale.n4(speed_mph),
                "image": base64.b64encode(jpeg).decode(),
            }
        )

    def manual(self) -> None:
        """Send the telemetry of a human at the wheel: null instead of an object."""
        self._emit(None)

    def _emit(self, payload: dict[str, str] | None) -> None:
        self._ping()
        self.send("42" + json.dumps(["telemetry", payload], separators=(",", ":")))

    def send(self, text: str) -> None:
        """Send a text frame as it is.

        Raises:
            ServiceError: the bridge closed the connection.
        """
        try:
            self._socket.send(text)
        except (OSError, websocket.WebSocketException) as error:
            raise ServiceError("the bridge closed the connection", got=error) from error

    def _ping(self) -> None:
        if time.monotonic() - self._pinged_at >= PING_EVERY_S:
            self.send("2")
            self._pinged_at = time.monotonic()

    def command(self, timeout_s: float | None = None) -> Command | None:
        """Wait for the next answer, or return None when none came within the timeout.

        Args:
            timeout_s: for this answer; default: the connection's.

        Raises:
            TelemetryError: the real client would fail on this answer.
            ServiceError: the bridge closed the connection.
        """
        deadline = time.monotonic() + (self._timeout_s if timeout_s is None else timeout_s)
        while (left := deadline - time.monotonic()) > 0:
            self._socket.settimeout(left)
            try:
                text = self._socket.recv()
            except websocket.WebSocketTimeoutException:
                return None
            except (OSError, websocket.WebSocketException) as error:
                raise ServiceError("the bridge closed the connection", got=error) from error
            command = self._react(str(text))
            if command is not None:
                return command
        return None

    def _react(self, text: str) -> Command | None:
        """Do what the real client does with a packet; return the command that it carries."""
        if text == "2":
            self.send("3")
        elif text.startswith("42"):
            event = json.loads(text[2:])
            if event[0] == "manual":
                return Command(manual=True)
            if event[0] == "steer":
                return Command(
                    manual=False,
                    steering=self._field(event[1], "steering_angle"),
                    throttle=self._field(event[1], "throttle"),
                )
        return None  # the handshake, `40`, PONG (`3`) and all else is ignored

    def _field(self, payload: dict[str, Any], name: str) -> float:
        value = payload.get(name)
        if not isinstance(value, str):
            raise TelemetryError(
                f"the answer's {name} is no JSON string",
                got=repr(value),
                remedy="The real client fails on a null reference here",
            )
        return max(-1.0, min(1.0, self._locale.parse(value)))

    def close(self) -> None:
        """Leave, as the simulator does: without a word."""
        self._socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()
