"""The driver of one simulator: a telemetry in, exactly one answer out, whatever fails."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from contract.errors import LapwingError, TelemetryError
from contract.wire import telemetry
from contract.wire.telemetry import Telemetry
from driver_bridge.control.frame_age import Ages
from driver_bridge.control.speed_control import (
    HOLD_S,
    Cruise,
    blind_mph,
    corner_mph,
    without_steering,
)

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Answer:
    """What is said to a simulator, and how it came about."""

    event: str
    """steer or manual."""
    payload: dict[str, str]
    how: str
    """model, held, stopped or manual."""
    seen: Telemetry | None = None
    """What is answered, where it could be read."""
    steering: float = 0.0
    """-1..1."""
    throttle: float = 0.0
    """-1..1; negative brakes."""
    frame_at_s: float = math.nan
    """When the frame came that the steering is of; NaN where it is of none."""


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
        clock: seconds that only go forward.
        corner_g: sideways acceleration, in gravities, that a bend may cost; 0: any.
        name: of the simulator, for the log.
    """

    def __init__(
        self,
        predictor: Predictor,
        target_mph: float,
        clock: Callable[[], float],
        corner_g: float = 0.0,
        name: str = "1",
    ) -> None:
        self.ages = Ages()
        self.target_mph = target_mph
        """The speed that is held now: what was asked for, or less."""
        self._predictor = predictor
        self._wanted_mph = target_mph
        self._corner_g = corner_g
        self._clock = clock
        self._name = name
        self._cruise = Cruise()
        self._steering = 0.0
        self._known_at = -math.inf
        self._frame_at = -math.inf
        self._speed_mph = 0.0
        self._decimal_mark = "."
        self._failing = ""
        self._blind = False

    def answer(self, payload: object, arrived_s: float) -> Answer:
        """Answer one telemetry that arrived at `arrived_s` on the clock."""
        if not payload:  # null or {}: a human has the wheel
            self._cruise.reset()
            self._known_at = -math.inf
            return Answer("manual", {}, "manual")
        seen = None
        try:
            if not isinstance(payload, Mapping):
                raise TelemetryError("the telemetry is no object", got=repr(payload)[:80])
            seen = telemetry.parse(payload)
            self._decimal_mark, self._speed_mph = seen.decimal_mark, seen.speed_mph
            return self._steer(seen, arrived_s)
        except (LapwingError, OSError) as error:
            return self._without(seen, error)

    def stopped(self) -> Answer:
        """Answer when nothing else could: straight on, and the brakes."""
        return self._say("stopped", None, *without_steering(0.0, math.inf, math.inf, 0.0))

    def sent(self, answer: Answer) -> None:
        """Count an answer that goes now."""
        if not math.isnan(answer.frame_at_s):
            now = self._clock()
            self.ages.add(now, now - answer.frame_at_s)

    def _steer(self, seen: Telemetry, arrived_s: float) -> Answer:
        self._steering = self._predictor.steering(seen.jpeg)
        self._known_at = self._clock()
        self._frame_at = arrived_s
        if self._failing:
            log.info("simulator %s: steering is known again", self._name)
            self._failing = ""
        throttle = self._cruise.throttle(seen.speed_mph, self._target(self._steering))
        return self._say("model", seen, self._steering, throttle)

    def _without(self, seen: Telemetry | None, error: Exception) -> Answer:
        """Answer although the steering is not known: hold the last for a moment, then stop."""
        reason = getattr(error, "what", "") or str(error)
        if self._failing != reason:  # once, not 15 times a second
            log.warning("simulator %s: no steering: %s", self._name, error)
            self._failing = reason
        age_s = self._clock() - self._known_at
        cruise = self._cruise.throttle(self._speed_mph, self._target(self._steering))
        held = age_s <= HOLD_S
        if not held:
            self._cruise.reset()
        steering, throttle = without_steering(self._steering, age_s, self._speed_mph, cruise)
        return self._say("held" if held else "stopped", seen, steering, throttle)

    def _target(self, steering: float) -> float:
        """Return the speed to hold: what was asked for, less in bends and while frames are old."""
        age_s = self.ages.recent_p95_s(self._clock())
        allowed = blind_mph(age_s)
        # A little above the limit before the end is said, so that it is not said over and over.
        blind = allowed < self._wanted_mph * (1.1 if self._blind else 1.0)
        if blind != self._blind:
            self._blind = blind
            if blind:
                log.warning(
                    "simulator %s: frames are %.0f ms old: target speed lowered to %.1f mph",
                    self._name,
                    age_s * 1000,
                    allowed,
                )
            else:
                log.info(
                    "simulator %s: frames are fresh again: target speed %.1f mph",
                    self._name,
                    self._wanted_mph,
                )
        bend = corner_mph(steering, self._corner_g)
        self.target_mph = min(self._wanted_mph, allowed, bend)
        return self.target_mph

    def _say(self, how: str, seen: Telemetry | None, steering: float, throttle: float) -> Answer:
        text = telemetry.steer(steering, throttle, self._decimal_mark)
        frame_at = self._frame_at if how in ("model", "held") else math.nan
        return Answer("steer", text, how, seen, steering, throttle, frame_at)
