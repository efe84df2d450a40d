"""The driver of one simulator: it answers every telemetry exactly once, whatever fails."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from contract.errors import LapwingError, TelemetryError
from contract.policy.answer import DEFAULT_SPEEDS, PolicyAnswer, SpeedRange
from contract.wire import telemetry
from contract.wire.culture_numbers import UNKNOWN
from contract.wire.telemetry import Telemetry
from driver_bridge.control.frame_age import FrameAges
from driver_bridge.control.roll_direction import RollDirection
from driver_bridge.control.speed_control import (
    HOLD_S,
    SpeedController,
    brake_blindly,
    corner_limit_mph,
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
    why: str = ""
    """Why the model did not decide it; empty where it did."""
    telemetry: Telemetry | None = None
    """The telemetry that is answered; None where it could not be read."""
    steering: float = 0.0
    """-1..1."""
    throttle: float = 0.0
    """-1..1; a negative throttle brakes, if the car rolls forwards at more than 5 mph."""
    frame_at_s: float = math.nan
    """When the frame arrived that the steering belongs to; NaN where it belongs to no frame."""


class Predictor(Protocol):
    """Predicts the answer to a frame."""

    def predict(self, jpeg: bytes) -> PolicyAnswer:
        """Return the steering, and the speed if the version that drives has learned it.

        Raises:
            ServiceError: the answer cannot be predicted.
        """


class Driver:
    """Drives one simulator, and keeps the state of that simulator alone.

    Args:
        predictor: predicts the answer to a frame.
        target_mph: the speed to hold while the answers have no speed.
        clock: returns seconds that never go backwards.
        corner_g: sideways acceleration in multiples of gravity at which the car slows for a bend;
            with 0 it never does.
        name: name of the simulator in the log.
        speeds: the speeds between which a learned speed is held.
    """

    def __init__(
        self,
        predictor: Predictor,
        target_mph: float,
        clock: Callable[[], float],
        corner_g: float = 0.0,
        name: str = "1",
        speeds: SpeedRange = DEFAULT_SPEEDS,
    ) -> None:
        self.ages = FrameAges()
        self.target_mph = target_mph
        """The speed that is held now: that which is asked for or was learned, or a lower limit."""
        self._predictor = predictor
        self._default_mph = self._requested_mph = target_mph
        self._highest_mph = target_mph
        """The highest speed that an answer like the last one may request."""
        self._speeds = speeds
        self._corner_g = corner_g
        self._clock = clock
        self._name = name
        self._speed_controller = SpeedController()
        self._direction = RollDirection()
        self._steering = 0.0
        self._throttle = 0.0
        self._steering_known_at_s = -math.inf
        self._frame_at_s = -math.inf
        self._speed_mph: float | None = None
        """Speed of the telemetry that is answered, negative while the car rolls backwards; None
        where it could not be read."""
        self._speed_known_at_s = -math.inf
        self._blind_since_s = math.inf
        """Since when the car is braked without knowing its speed; infinity while it is known."""
        self._spelling = UNKNOWN
        self._unwritable_logged = False
        self._failure = ""
        self._slowed_by_age = False

    def answer(self, payload: object, arrived_s: float) -> Answer:
        """Answer one telemetry whose first bytes arrived at `arrived_s` on the clock.

        The telemetry is parsed, steered, controlled and formatted, in this order. Where it cannot
        be parsed or steered, the control decides from the last known steering and from the speed.
        """
        if not payload:  # null or {}: a human drives
            self._speed_controller.reset()
            self._direction = RollDirection()
            self._steering_known_at_s = self._speed_known_at_s = -math.inf
            self._blind_since_s = math.inf
            return Answer("manual", {}, "manual")
        parsed, how, self._speed_mph = None, "model", None
        try:
            parsed = self._parse(payload)
            now_s = self._steer(parsed, arrived_s)
        except (LapwingError, OSError) as error:
            self._log_failure(error)
            now_s, how = self._clock(), "held"
            # What was learned belongs to a frame. Without one, nothing is faster than what is asked
            # for; and a car that was slow for a bend is still in it.
            self._requested_mph = min(self._requested_mph, self._default_mph)
        steering, throttle, held = self._control(now_s)
        return self._format(how if held else "stopped", parsed, steering, throttle)

    def stop(self) -> Answer:
        """Answer when nothing else could be answered: drive straight on, and stop the car."""
        if self._speed_mph is None:
            return self._format("stopped", None, 0.0, self._brake_blindly(self._clock()))
        throttle = self._speed_controller.stop(self._speed_mph)
        return self._format("stopped", None, 0.0, throttle)

    def record_age(self, answer: Answer) -> None:
        """Record the frame age of an answer that is sent now."""
        if not math.isnan(answer.frame_at_s):
            now_s = self._clock()
            self.ages.add(now_s, now_s - answer.frame_at_s)

    def _parse(self, payload: object) -> Telemetry:
        """Parse a telemetry; its speed and its spelling are known even where its image is not."""
        if not isinstance(payload, Mapping):
            raise TelemetryError("the telemetry is no object", got=repr(payload)[:80])
        magnitude_mph, _ = telemetry.number(payload, "speed")
        self._speed_mph = self._direction.update(magnitude_mph)
        self._speed_known_at_s, self._blind_since_s = self._clock(), math.inf
        self._spelling = telemetry.find_spelling(payload, self._spelling)
        return telemetry.parse(payload, self._spelling)

    def _steer(self, parsed: Telemetry, arrived_s: float) -> float:
        """Predict the steering, and return the time at which it is known."""
        answer = self._predictor.predict(parsed.jpeg)
        self._steering = answer.steering
        self._requested_mph = self._speeds.speed_to_hold(answer, self._default_mph)
        self._highest_mph = self._default_mph if answer.speed_mph is None else self._speeds.max_mph
        self._steering_known_at_s = now_s = self._clock()
        self._frame_at_s = arrived_s
        if self._failure:
            log.info("simulator %s: steering is known again", self._name)
            self._failure = ""
        return now_s

    def _control(self, now_s: float) -> tuple[float, float, bool]:
        """Return steering, throttle, and whether the last known steering is still used.

        A steering of up to HOLD_S is used as it is. After that the car drives straight on and is
        stopped.
        """
        held = now_s - self._steering_known_at_s <= HOLD_S
        self.target_mph = self._limit_speed(now_s)
        if self._speed_mph is None:
            throttle = self._drive_blindly(now_s)
        elif held:
            throttle = self._speed_controller.throttle(self._speed_mph, self.target_mph)
        else:
            throttle = self._speed_controller.stop(self._speed_mph)
        return self._steering if held else 0.0, throttle, held

    def _drive_blindly(self, now_s: float) -> float:
        """Return the throttle for a telemetry whose speed cannot be read.

        For HOLD_S the last throttle is held, but not a brake: the car may be slower than 5 mph now.
        """
        if now_s - self._speed_known_at_s <= HOLD_S:
            return max(0.0, self._throttle)
        return self._brake_blindly(now_s)

    def _brake_blindly(self, now_s: float) -> float:
        self._blind_since_s = min(self._blind_since_s, now_s)
        return brake_blindly(now_s - self._blind_since_s)

    def _limit_speed(self, now_s: float) -> float:
        """Return the speed to hold: the requested speed, or less in bends or with old frames.

        It is requested by the settings, or by the answer of a version that has learned it.
        """
        age_s = self.ages.recent_p95_s(now_s)
        age_limit_mph = stale_frame_limit_mph(age_s)
        # The limit counts as lifted only 10 % above the requested speed, so that the log does not
        # report its start and its end over and over. A learned speed changes with each bend, so it
        # is compared with the highest one.
        slowed = age_limit_mph < self._highest_mph * (1.1 if self._slowed_by_age else 1.0)
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
        why = "" if how == "model" else self._failure
        if not (self._spelling.can_write(steering) and self._spelling.can_write(throttle)):
            how, steering, throttle = "stopped", 0.0, 0.0
            why = "the simulator has not shown which minus it reads"
            self._log_unwritable()
        payload = telemetry.steer(steering, throttle, self._spelling)
        self._throttle = throttle
        self._direction.record_throttle(throttle)
        frame_at_s = self._frame_at_s if how in ("model", "held") else math.nan
        return Answer("steer", payload, how, why, parsed, steering, throttle, frame_at_s)

    def _log_unwritable(self) -> None:
        """Log once that the car is not driven because its simulator would not read the answers."""
        if not self._unwritable_logged:
            log.warning(
                "simulator %s: the car is not driven: its numbers have the decimal mark U+%04X, "
                "and no negative one has shown which minus it reads; start the simulator in "
                "another locale, such as en-US",
                self._name,
                ord(self._spelling.decimal_mark or "."),
            )
            self._unwritable_logged = True

    def _log_failure(self, error: Exception) -> None:
        """Log why the steering is unknown: once for each reason, not 15 times a second."""
        reason = getattr(error, "what", "") or str(error)
        if self._failure != reason:
            log.warning("simulator %s: no steering: %s", self._name, error)
            self._failure = reason
