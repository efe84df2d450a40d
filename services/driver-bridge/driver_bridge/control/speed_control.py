"""How fast to drive, and what to do while no steering is known: values in, values out."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from contract.vehicle import MAX_STEER_RAD, MPS_PER_MPH, ROW_S, WHEELBASE_M

KP: Final = 0.25
"""Share of the engine's torque per mph of error. drive.py's 0.1 overshoots 9 mph by 14 % on the
flat; this one by 1 %, and by 8 % down a slope of 10 %."""
KI: Final = 0.04
"""The same per mph and second: drive.py's 0.002 a frame, at 15 frames a second, is 0.03."""
SLEW_PER_S: Final = 4.0
"""Of the engine's torque a second: what is faster than a foot, and would be felt as a jerk."""
BRAKE_RATIO: Final = 10.0
"""The brakes' torque over the engine's: 20,000 over 2,000 N m. A throttle below 0 is divided by it,
so that one unit of output is one torque on both sides of 0, and a descent does not chatter."""
HOLD_S: Final = 0.5
"""A steering older than this is not used: at 30 mph the car is 6.7 m further."""
STANDING_MPH: Final = 0.5
BLIND_M: Final = 1.5
"""How far the car may go on what one frame showed: half of its wheelbase."""
GRAVITY: Final = 9.81
SLOWEST_MPH: Final = 3.0
"""Below this no bend and no age lowers the target: the car is to arrive."""


@dataclass
class Cruise:
    """A PI controller that holds a speed, in units of the engine's full torque.

    Args:
        integral: the torque that was found to balance drag and slope, -1..1.
        output: the torque of the frame before, -10..1.
    """

    integral: float = 0.0
    output: float = 0.0

    def throttle(self, speed_mph: float, target_mph: float) -> float:
        """Return the throttle, -1..1 (negative brakes), for the next frame."""
        error = target_mph - speed_mph
        wanted = KP * error + self.integral
        # The nominal interval, not the measured one: telemetry carries no time, and a simulator in
        # lock-step may run faster than real time; a drive is to be the same either way. The gains
        # leave room for a simulator that sends four times as often.
        most = SLEW_PER_S * ROW_S
        limited = max(-BRAKE_RATIO, min(1.0, wanted))
        limited = max(self.output - most, min(self.output + most, limited))
        # Anti-windup: while the output is at a limit, its range's or its slew's, more integral in
        # that direction would change nothing but the overshoot to come.
        if (wanted - limited) * error <= 0:
            self.integral = max(-1.0, min(1.0, self.integral + KI * error * ROW_S))
        self.output = limited
        return limited if limited >= 0 else limited / BRAKE_RATIO

    def reset(self) -> None:
        """Forget the past: the car was driven by somebody else, or is another car."""
        self.integral = self.output = 0.0


def corner_mph(steering: float, corner_g: float) -> float:
    """Return the speed at which a steering costs `corner_g` of sideways acceleration.

    The bicycle's circle has R = wheelbase / tan(25° · |steering|), and v = sqrt(a R).

    Args:
        steering: -1..1.
        corner_g: in multiples of gravity; 0: no bend lowers the speed.
    """
    bend = math.tan(MAX_STEER_RAD * min(1.0, abs(steering)))
    if corner_g <= 0 or bend < 1e-6:
        return math.inf
    radius_m = WHEELBASE_M / bend
    return max(SLOWEST_MPH, math.sqrt(corner_g * GRAVITY * radius_m) / MPS_PER_MPH)


def blind_mph(age_s: float) -> float:
    """Return the speed at which the car goes BLIND_M while a frame is `age_s` old.

    From a frame's arrival to its answer the car goes v · age on an older frame's steering; with
    v = BLIND_M / age that is BLIND_M, whatever the age.
    """
    if age_s <= 0:
        return math.inf
    return max(SLOWEST_MPH, BLIND_M / age_s / MPS_PER_MPH)


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
