"""How fast to drive, and what to do while no steering is known: values in, values out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

FRAME_S: Final = 1 / 15
"""Seconds between telemetries, nominally. Not measured: telemetry carries no time, and a simulator
in lock-step may run faster than the clock on the wall; a run is to be the same either way."""
KP: Final = 0.2
"""Throttle per mph of error: twice drive.py's, whose 0.1 overshoots 9 mph by 14 %."""
KI: Final = 0.03
"""Throttle per mph and second: drive.py's 0.002 a frame, at 15 frames a second."""
HOLD_S: Final = 0.5
"""A steering older than this is not used: at 30 mph the car is 6.7 m further."""
STANDING_MPH: Final = 0.5


@dataclass
class Cruise:
    """A PI controller that holds a speed.

    Args:
        target_mph: the speed to hold.
        integral: the throttle that was found to balance drag and slope, -1..1.
    """

    target_mph: float
    integral: float = 0.0

    def throttle(self, speed_mph: float) -> float:
        """Return the throttle, -1..1 (negative brakes), for the next frame."""
        error = self.target_mph - speed_mph
        wanted = KP * error + self.integral
        # Anti-windup: while the throttle is at its stop, more integral would change nothing but
        # the overshoot to come.
        if abs(wanted) < 1 or wanted * error < 0:
            self.integral = max(-1.0, min(1.0, self.integral + KI * error * FRAME_S))
        return max(-1.0, min(1.0, wanted))

    def reset(self) -> None:
        """Forget the past: the car was driven by somebody else, or is another car."""
        self.integral = 0.0


def without_steering(
    last: float, age_s: float, speed_mph: float, cruise: float
) -> tuple[float, float]:
    """Return steering and throttle, both -1..1, while inference gives none.

    Args:
        last: the steering that was last known.
        age_s: seconds since it was.
        speed_mph: of the car.
        cruise: the throttle that the speed controller asks for.
    """
    if age_s <= HOLD_S:
        return last, cruise
    return 0.0, -1.0 if speed_mph > STANDING_MPH else 0.0
