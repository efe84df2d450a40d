"""Connects to a bridge as Udacity's simulator does, over a bare websocket.

It is written from docs/protocol.md, and does not use a Socket.IO library: the real client departs
from that protocol in several ways, and a bridge must handle each of them. One of them is how it
sends. The library of the real client, websocket-sharp, writes a message in fragments of 1,016
bytes, one at a time, and leaves Nagle's algorithm on: the last piece of a message waits until the
bridge has acknowledged the pieces before it.
"""

from __future__ import annotations

import base64
import json
import socket
import time
from typing import Any, Final, Self

import websocket

from contract.errors import ServiceError, TelemetryError
from contract.vehicle import MAX_STEER_DEG
from simulator.command import Command
from simulator.unity.number_format import Locale

PATH: Final = "/socket.io/?EIO=4&transport=websocket"
PING_INTERVAL_S: Final = 25.0
FRAGMENT_BYTES: Final = 1016
"""Size of the fragments in which websocket-sharp sends a message."""
NAGLE: Final = ((socket.IPPROTO_TCP, socket.TCP_NODELAY, 0),)
"""Option of a socket with Nagle's algorithm; our websocket library switches it off by itself."""


class UnityClient:
    """One connection of a simulator to a bridge.

    Args:
        url: Address of the bridge, such as ws://127.0.0.1:4567; the path is built in.
        locale: Locale in which numbers are written and read.
        timeout_s: Time limit for connecting and for each answer.
        whole_messages: Whether to send each message in one frame and without delay, as most other
            websocket clients do and the real one does not. Benchmarks compare the two.

    Raises:
        ServiceError: No bridge answers at the address.
    """

    def __init__(
        self, url: str, locale: Locale, timeout_s: float = 5.0, *, whole_messages: bool = False
    ) -> None:
        self._locale = locale
        self._timeout_s = timeout_s
        self._whole_messages = whole_messages
        try:
            self._socket = websocket.create_connection(
                url.rstrip("/") + PATH,
                timeout=timeout_s,
                suppress_origin=True,
                sockopt=() if whole_messages else NAGLE,
            )
        except (OSError, websocket.WebSocketException) as error:
            raise ServiceError(
                f"no bridge answers at {url}",
                got=error,
                remedy="Start Lapwing first: `lapwing up` or `docker compose up -d`",
            ) from error
        self._pinged_at = -PING_INTERVAL_S
        self._ping()

    def send_telemetry(
        self, steering: float, throttle: float, speed_mph: float, jpeg: bytes
    ) -> None:
        """Send one telemetry.

        Args:
            steering: Steering in force, -1..1; it is sent as degrees.
            throttle: Throttle in force, -1..1.
            speed_mph: Speed of the car.
            jpeg: Picture of the centre camera.

        Raises:
            ServiceError: The bridge closed the connection.
        """
        self._emit(
            {
                "steering_angle": self._locale.format_n4(steering * MAX_STEER_DEG),
                "throttle": self._locale.format_n4(throttle),
                "speed": self._locale.format_n4(speed_mph),
                "image": base64.b64encode(jpeg).decode(),
            }
        )

    def send_manual(self) -> None:
        """Send the telemetry of manual driving, which holds null instead of an object."""
        self._emit(None)

    def _emit(self, payload: dict[str, str] | None) -> None:
        self._ping()
        self.send("42" + json.dumps(["telemetry", payload], separators=(",", ":")))

    def send(self, text: str) -> None:
        """Send a text message unchanged, in fragments as the real client does.

        Raises:
            ServiceError: The bridge closed the connection.
        """
        data = text.encode()
        size = max(1, len(data) if self._whole_messages else FRAGMENT_BYTES)
        last = max(0, (len(data) - 1) // size * size)
        try:
            for start in range(0, last + 1, size):
                opcode = websocket.ABNF.OPCODE_CONT if start else websocket.ABNF.OPCODE_TEXT
                fragment = data[start : start + size]
                self._socket.send_frame(
                    websocket.ABNF.create_frame(fragment, opcode, fin=int(start == last))
                )
        except (OSError, websocket.WebSocketException) as error:
            raise ServiceError("the bridge closed the connection", got=error) from error

    def _ping(self) -> None:
        if time.monotonic() - self._pinged_at >= PING_INTERVAL_S:
            self.send("2")
            self._pinged_at = time.monotonic()

    def command(self, timeout_s: float | None = None) -> Command | None:
        """Wait for the next command and return it, or None after the timeout.

        Args:
            timeout_s: Time limit for this command; the default is that of the connection.

        Raises:
            TelemetryError: The real client would fail on this answer.
            ServiceError: The bridge closed the connection.
        """
        deadline = time.monotonic() + (self._timeout_s if timeout_s is None else timeout_s)
        while (remaining_s := deadline - time.monotonic()) > 0:
            self._socket.settimeout(remaining_s)
            try:
                text = self._socket.recv()
            except websocket.WebSocketTimeoutException:
                return None
            except (OSError, websocket.WebSocketException) as error:
                raise ServiceError("the bridge closed the connection", got=error) from error
            command = self._handle(str(text))
            if command is not None:
                return command
        return None

    def _handle(self, text: str) -> Command | None:
        """Handle a packet as the real client does, and return the command that it carries."""
        if text == "2":
            self.send("3")
        elif text.startswith("42"):
            event = json.loads(text[2:])
            if event[0] == "manual":
                return Command(manual=True)
            if event[0] == "steer":
                return Command(
                    manual=False,
                    steering=self._parse_field(event[1], "steering_angle"),
                    throttle=self._parse_field(event[1], "throttle"),
                )
        return None  # The real client ignores the handshake, `40`, PONG (`3`) and other packets.

    def _parse_field(self, payload: dict[str, Any], name: str) -> float:
        value = payload.get(name)
        if not isinstance(value, str):
            raise TelemetryError(
                f"the answer's {name} is not a JSON string",
                got=repr(value),
                remedy="Send it as a string: the real client fails on other values with a null "
                "reference",
            )
        return max(-1.0, min(1.0, self._locale.parse(value)))

    def close(self) -> None:
        """Close the connection without a closing packet, as the simulator does."""
        self._socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()
