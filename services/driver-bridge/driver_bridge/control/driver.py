"""The driver of one simulator: it answers every telemetry exactly once, whatever fails."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from contract.errors import LapwingError, TelemetryError
from contract.wire import telemetry
from contract.wire.telemetry import Telemetry
from driver_bridge.control.frame_age import FrameAges
from driver_bridge.control.speed_control import (
    HOLD_S,
    SpeedController,
    corner_limit_mph,
    fallback,
    stale_frame_limit_mph,
)

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Answer:
    """An answer to a simulator, and how it was found."""

    event: str
    """Name of the event: steer or manual."""
    payload: dict[str, str]
    how: str
    """What decided the steering: model, held, stopped or manual."""
    telemetry: Telemetry | None = None
    """The telemetry that is answered; None where it could not be read."""
    steering: float = 0.0
    """-1..1."""
    throttle: float = 0.0
    """-1..1; a negative throttle brakes."""
    frame_at_s: float = math.nan
    """When the frame arrived that the steering belongs to; NaN where it belongs to no frame."""


class Predictor(Protocol):
    """Predicts the steering of a frame."""

    def predict(self, jpeg: bytes) -> float:
        """Return the steering, -1..1.

        Raises:
            ServiceError: the steering cannot be predicted.
        """


class Driver:
    """Drives one simulator, and keeps the state of that simulator alone.

    Args:
        predictor: predicts the steering of a frame.
        target_mph: the speed to hold.
        clock: returns seconds that never go backwards.
        corner_g: sideways acceleration in multiples of gravity at which the car slows for a bend;
            with 0 it never does.
        name: name of the simulator in the log.
    """

    def __init__(
        self,
        predictor: Predictor,
        target_mph: float,
        clock: Callable[[], float],
        corner_g: float = 0.0,
        name: str = "1",
    ) -> None:
        self.ages = FrameAges()
        self.target_mph = target_mph
        """The speed that is held now: the speed that was asked for, or a lower limit."""
        self._predictor = predictor
        self._requested_mph = target_mph
        self._corner_g = corner_g
        self._clock = clock
        self._name = name
        self._speed_controller = SpeedController()
        self._steering = 0.0
        self._steering_known_at_s = -math.inf
        self._frame_at_s = -math.inf
        self._speed_mph = 0.0
        self._decimal_mark = "."
        self._failure = ""
        self._slowed_by_age = False

    def answer(self, payload: object, arrived_s: float) -> Answer:
        """Answer one telemetry whose first bytes arrived at `arrived_s` on the clock.

        The telemetry is parsed, steered, controlled and formatted, in this order. Where it cannot
        be parsed or steered, the control decides from the last known steering and speed.
        """
        if not payload:  # null or {}: a human drives
            self._speed_controller.reset()
            self._steering_known_at_s = -math.inf
            return Answer("manual", {}, "manual")
        parsed, how = None, "model"
        try:
            parsed = self._parse(payload)
            now_s = self._steer(parsed, arrived_s)
        except (LapwingError, OSError) as error:
            self._log_failure(error)
            now_s, how = self._clock(), "held"
        steering, throttle, held = self._control(now_s)
        return self._format(how if held else "stopped", parsed, steering, throttle)

    def stop(self) -> Answer:
        """Answer when nothing else could be answered: drive straight on and brake."""
        return self._format("stopped", None, *fallback(0.0, math.inf, math.inf, 0.0))

    def record_age(self, answer: Answer) -> None:
        """Record the frame age of an answer that is sent now."""
        if not math.isnan(answer.frame_at_s):
            now_s = self._clock()
            self.ages.add(now_s, now_s - answer.frame_at_s)

    def _parse(self, payload: object) -> Telemetry:
        if not isinstance(payload, Mapping):
            raise TelemetryError("the telemetry is no object", got=repr(payload)[:80])
        parsed = telemetry.parse(payload)
        self._decimal_mark, self._speed_mph = parsed.decimal_mark, parsed.speed_mph
        return parsed

    def _steer(self, parsed: Telemetry, arrived_s: float) -> float:
        """Predict the steering, and return the time at which it is known."""
        self._steering = self._predictor.predict(parsed.jpeg)
        self._steering_known_at_s = now_s = self._clock()
        self._frame_at_s = arrived_s
        if self._failure:
            log.info("simulator %s: steering is known again", self._name)
            self._failure = ""
        return now_s

    def _control(self, now_s: float) -> tuple[float, float, bool]:
        """Return steering, throttle, and whether the last known steering is still used."""
        age_s = now_s - self._steering_known_at_s
        held = age_s <= HOLD_S
        self.target_mph = self._limit_speed(now_s)
        throttle = self._speed_controller.throttle(self._speed_mph, self.target_mph)
        if not held:
            self._speed_controller.reset()
        return *fallback(self._steering, age_s, self._speed_mph, throttle), held

    def _limit_speed(self, now_s: float) -> float:
        """Return the speed to hold: the requested speed, or less in bends or with old frames."""
        age_s = self.ages.recent_p95_s(now_s)
        age_limit_mph = stale_frame_limit_mph(age_s)
        # The limit counts as lifted only 10 % above the requested speed, so that the log does not
        # report its start and its end over and over.
        slowed = age_limit_mph < self._requested_mph * (1.1 if self._slowed_by_age else 1.0)
        if slowed and not self._slowed_by_age:
            log.warning(
                "simulator %s: frames are %.0f ms old: target speed lowered to %.1f mph",
                self._name,
                age_s * 1000,
                age_limit_mph,
            )
        elif self._slowed_by_age and not slowed:
            log.info(
                "simulator %s: frames are fresh again: target speed %.1f mph",
                self._name,
                self._requested_mph,
            )
        self._slowed_by_age = slowed
        corner_mph = corner_limit_mph(self._steering, self._corner_g)
        return min(self._requested_mph, age_limit_mph, corner_mph)

    def _format(
        self, how: str, parsed: Telemetry | None, steering: float, throttle: float
    ) -> Answer:
        payload = telemetry.steer(steering, throttle, self._decimal_mark)
        frame_at_s = self._frame_at_s if how in ("model", "held") else math.nan
        return Answer("steer", payload, how, parsed, steering, throttle, frame_at_s)

    def _log_failure(self, error: Exception) -> None:
        """Log why the steering is unknown: once for each reason, not 15 times a second."""
        reason = getattr(error, "what", "") or str(error)
        if self._failure != reason:
            log.warning("simulator %s: no steering: %s", self._name, error)
            self._failure = reason
