"""The driver of one simulator: a telemetry in, exactly one answer out, whatever fails."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Protocol

from contract import telemetry
from contract.errors import LapwingError, TelemetryError
from contract.telemetry import Telemetry
from driver_bridge.control import Cruise, without_steering

log = logging.getLogger(__name__)

Answer = tuple[str, dict[str, str], str]
"""Event, payload, and how it came about: model, held, stopped or manual."""


class Predictor(Protocol):
    """Whoever knows the steering of a frame."""

    def steering(self, jpeg: bytes) -> float:
        """Return -1..1.

        Raises:
            ServiceError: it is not known.
        """


class Driver:
    """Drives one simulator; its state is that simulator's alone.

    Args:
        predictor: knows the steering of a frame.
        target_mph: the speed to hold.
        keep: given each frame, to record it.
        clock: seconds that only go forward.
    """

    def __init__(
        self,
        predictor: Predictor,
        target_mph: float,
        keep: Callable[[bytes], object],
        clock: Callable[[], float],
    ) -> None:
        self._predictor = predictor
        self._cruise = Cruise(target_mph)
        self._keep = keep
        self._clock = clock
        self._steering = 0.0
        self._known_at = -float("inf")
        self._speed_mph = 0.0
        self._decimal_mark = "."
        self._failing = False

    def answer(self, payload: object) -> Answer:
        """Answer one telemetry."""
        if not payload:  # null or {}: a human has the wheel
            self._cruise.reset()
            self._known_at = -float("inf")
            return "manual", {}, "manual"
        try:
            if not isinstance(payload, Mapping):
                raise TelemetryError("the telemetry is no object", got=repr(payload)[:80])
            seen = telemetry.parse(payload)
            self._decimal_mark, self._speed_mph = seen.decimal_mark, seen.speed_mph
            self._keep(seen.jpeg)
            return self._steer(seen)
        except (LapwingError, OSError) as error:
            return self._without(error)

    def _steer(self, seen: Telemetry) -> Answer:
        self._steering = self._predictor.steering(seen.jpeg)
        self._known_at = self._clock()
        if self._failing:
            log.info("steering is known again")
            self._failing = False
        return self._format(self._steering, self._cruise.throttle(seen.speed_mph), "model")

    def _without(self, error: Exception) -> Answer:
        """Answer although the steering is not known: hold the last for a moment, then stop."""
        if not self._failing:  # once, not 15 times a second
            log.warning("no steering: %s", error)
            self._failing = True
        age_s = self._clock() - self._known_at
        cruise = self._cruise.throttle(self._speed_mph)
        steering, throttle = without_steering(self._steering, age_s, self._speed_mph, cruise)
        held = (steering, throttle) == (self._steering, cruise)
        if not held:
            self._cruise.reset()
        return self._format(steering, throttle, "held" if held else "stopped")

    def _format(self, steering: float, throttle: float, how: str) -> Answer:
        return "steer", telemetry.steer(steering, throttle, self._decimal_mark), how
