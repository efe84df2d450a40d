"""Runs the loops of telemetry and answer, and connects again after a lost connection."""

from __future__ import annotations

import time
from typing import Final

from contract.errors import ServiceError
from simulator.command import Command
from simulator.unity.client import UnityClient
from simulator.unity.number_format import Locale
from simulator.unity.round_trips import RoundTrips
from simulator.world import World

TELEMETRY_LOOPS: Final = 2
"""The real client fires its "open" event twice (for the websocket and for Engine.IO), so it starts
two loops of telemetry."""
REDIAL_INTERVAL_S: Final = 0.005
"""Time after which the real client tries again to reach a bridge that does not answer."""


class UnityConnection:
    """A driver at the other end of a websocket.

    Each answer lets one loop send its next telemetry. An answer to no telemetry starts a new loop,
    as it does in the real client. One answer may cover several telemetries, and then their loops
    end; this is noticed when no more answers come. A lost connection is opened again, with new
    loops.

    Args:
        url: Address of the bridge.
        locale: Locale of the simulated machine.
        patience_s: Time for which a lost bridge is tried again before that is an error.

    Raises:
        ServiceError: No bridge answers.
    """

    def __init__(self, url: str, locale: Locale, patience_s: float = 10.0) -> None:
        self._url = url
        self._locale = locale
        self._patience_s = patience_s
        self._client = UnityClient(url, locale)
        self._idle_loops = TELEMETRY_LOOPS
        self._trips = RoundTrips()
        self._began = time.monotonic()
        self.reconnections = 0

    @property
    def waiting(self) -> int:
        """Number of telemetries that are not answered yet."""
        return self._trips.waiting

    @property
    def ready(self) -> bool:
        """Whether a telemetry may be sent."""
        return self._idle_loops > 0

    def ask(self, jpeg: bytes, world: World) -> None:
        """Send one telemetry for each loop that has its answer.

        Args:
            jpeg: Picture of the centre camera.
            world: World with the commands in force and the speed of the car.

        Raises:
            ServiceError: The bridge is gone and does not come back.
        """
        try:
            while self._idle_loops:
                self._client.send_telemetry(world.steering, world.throttle, world.speed_mph, jpeg)
                self._trips.send(time.monotonic())
                self._idle_loops -= 1
        except ServiceError:
            self._reconnect()

    def answer(self, timeout_s: float) -> Command | None:
        """Return the next answer, or None if it is late or the connection was lost.

        Args:
            timeout_s: Time limit for the answer.

        Raises:
            TelemetryError: The real client would fail on this answer.
            ServiceError: The bridge is gone and does not come back.
        """
        coalesce_after_s = self._trips.coalesce_after_s(time.monotonic())
        try:
            if coalesce_after_s is None:
                command = self._client.command(timeout_s)
            else:
                command = self._client.command(min(timeout_s, coalesce_after_s))
        except ServiceError:
            self._reconnect()
            return None
        if command is not None:
            self._trips.answer(time.monotonic())
            self._idle_loops += 1
        elif coalesce_after_s is not None and coalesce_after_s <= timeout_s:
            self._trips.coalesce()
        return command

    def _reconnect(self) -> None:
        """Open a new connection; the loops of the lost one have ended."""
        self._client.close()
        deadline = time.monotonic() + self._patience_s
        while True:
            try:
                self._client = UnityClient(self._url, self._locale)
                break
            except ServiceError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(REDIAL_INTERVAL_S)
        self._idle_loops = TELEMETRY_LOOPS
        self._trips.discard()
        self.reconnections += 1

    def document(self) -> dict[str, float]:
        """Return counts, the rate of answers and the round-trip times in ms, ready for JSON."""
        seconds = time.monotonic() - self._began
        p50_ms, p99_ms = self._trips.percentiles_ms()
        return {
            "answered": self._trips.answers,
            "folded": self._trips.coalesced,
            "answers_per_s": self._trips.answers / seconds,
            "p50_ms": p50_ms,
            "p99_ms": p99_ms,
            "reconnections": self.reconnections,
        }

    def close(self) -> None:
        """Close the connection."""
        self._client.close()
