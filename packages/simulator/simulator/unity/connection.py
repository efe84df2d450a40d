"""The loops of telemetry and answer that run over one connection, and over those that follow it."""

from __future__ import annotations

import time
from typing import Final

from contract.errors import ServiceError
from simulator.unity.client import Client, Command
from simulator.unity.number_format import Locale
from simulator.unity.round_trips import Trips
from simulator.world import World

LOOPS: Final = 2
"""The real client fires "open" twice (websocket, Engine.IO), so two telemetries start."""
RETRY_S: Final = 0.005
"""How often the real client dials again while nothing answers."""


class Wire:
    """A driver at the other end of a websocket.

    Each answer lets one loop send one more telemetry; one that nobody asked for starts a loop of
    its own, as it does in the real client. An answer may cover several telemetries, which leaves
    as many loops fewer; that it did shows when no more answers come. A lost connection is dialled
    again, and begins anew.

    Args:
        url: of the bridge.
        locale: of the simulated machine.
        patience_s: how long a lost bridge is dialled before that is an error.

    Raises:
        ServiceError: no bridge answers.
    """

    def __init__(self, url: str, locale: Locale, patience_s: float = 10.0) -> None:
        self._url = url
        self._locale = locale
        self._patience_s = patience_s
        self._client = Client(url, locale)
        self._idle = LOOPS
        self._trips = Trips()
        self._began = time.monotonic()
        self.reconnections = 0

    @property
    def waiting(self) -> int:
        """Telemetries that are not answered yet."""
        return self._trips.waiting

    @property
    def ready(self) -> bool:
        """Whether a telemetry may be sent."""
        return self._idle > 0

    def ask(self, jpeg: bytes, world: World) -> None:
        """Send a telemetry for each loop that had its answer.

        Raises:
            ServiceError: the bridge is gone and does not come back.
        """
        try:
            while self._idle:
                self._client.telemetry(world.steering, world.throttle, world.speed_mph, jpeg)
                self._trips.send(time.monotonic())
                self._idle -= 1
        except ServiceError:
            self._dial()

    def answer(self, timeout_s: float) -> Command | None:
        """Return the next answer, or None: it did not come in time, or the connection was lost.

        Raises:
            TelemetryError: the real client would fail on this answer.
            ServiceError: the bridge is gone and does not come back.
        """
        patience_s = self._trips.patience_s(time.monotonic())
        try:
            if patience_s is None:
                command = self._client.command(timeout_s)
            else:
                command = self._client.command(min(timeout_s, patience_s))
        except ServiceError:
            self._dial()
            return None
        if command is not None:
            self._trips.answer(time.monotonic())
            self._idle += 1
        elif patience_s is not None and patience_s <= timeout_s:
            self._trips.fold()
        return command

    def _dial(self) -> None:
        """Connect anew: the loops of the lost connection are gone with it."""
        self._client.close()
        deadline = time.monotonic() + self._patience_s
        while True:
            try:
                self._client = Client(self._url, self._locale)
                break
            except ServiceError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(RETRY_S)
        self._idle = LOOPS
        self._trips.lose()
        self.reconnections += 1

    def document(self) -> dict[str, float]:
        """Return how it was answered, as JSON takes it: counts, a rate, milliseconds."""
        seconds = time.monotonic() - self._began
        p50_ms, p99_ms = self._trips.milliseconds()
        return {
            "answered": self._trips.answers,
            "folded": self._trips.folded,
            "answers_per_s": self._trips.answers / seconds,
            "p50_ms": p50_ms,
            "p99_ms": p99_ms,
            "reconnections": self.reconnections,
        }

    def close(self) -> None:
        """Leave."""
        self._client.close()
