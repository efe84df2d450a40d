"""The law that controls the car's speed, and the fallback while the steering is unknown.

Nothing here reads a clock or a connection: each function takes values and returns values.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from contract.vehicle import MAX_STEER_RAD, MPS_PER_MPH, ROW_S, WHEELBASE_M

KP: Final = 0.25
"""Proportional gain: share of the engine's torque per mph of error. The 0.1 of drive.py overshoots
9 mph by 14 % on the flat; this gain overshoots by 1 %, and by 8 % down a slope of 10 %."""
KI: Final = 0.04
"""Integral gain: share of the engine's torque per mph and second. The 0.002 per frame of drive.py
is 0.03 at 15 frames a second."""
SLEW_PER_S: Final = 4.0
"""Largest change of the output in a second, in units of the engine's torque. A faster change is
quicker than a foot and would be felt as a jerk."""
BRAKE_RATIO: Final = 10.0
"""Torque of the brakes divided by the torque of the engine: 20,000 N m over 2,000 N m. A throttle
below 0 is divided by it, so that one unit of output is the same torque on both sides of 0 and the
car does not chatter on a descent."""
HOLD_S: Final = 0.5
"""Longest time in seconds for which the last steering is held. At 30 mph the car moves 6.7 m."""
STANDING_MPH: Final = 0.5
"""At or below this speed the car counts as standing, and is not braked any more."""
STALE_FRAME_DISTANCE_M: Final = 1.5
"""Longest distance in metres that the car may drive on one frame: half of its wheelbase."""
GRAVITY_MPS2: Final = 9.81
MIN_LIMIT_MPH: Final = 3.0
"""No bend and no old frame lowers the target speed below this: the car must still arrive."""


@dataclass
class SpeedController:
    """A PI controller that holds a speed, in units of the engine's full torque.

    Args:
        integral: the torque that balances drag and slope, as learned so far, -1..1.
        output: the torque of the frame before, -10..1.
    """

    integral: float = 0.0
    output: float = 0.0

    def throttle(self, speed_mph: float, target_mph: float) -> float:
        """Return the throttle for the next frame, -1..1; a negative throttle brakes."""
        error = target_mph - speed_mph
        demand = KP * error + self.integral
        # The nominal interval, not the measured one: telemetry carries no time, and a simulator in
        # lock-step may run faster than real time; a drive must be the same either way. The gains
        # leave room for a simulator that sends four times as often.
        max_change = SLEW_PER_S * ROW_S
        limited = max(-BRAKE_RATIO, min(1.0, demand))
        limited = max(self.output - max_change, min(self.output + max_change, limited))
        # Anti-windup: while the output is at the limit of its range or of its slew rate, a larger
        # integral in that direction would only make the next overshoot larger.
        if (demand - limited) * error <= 0:
            self.integral = max(-1.0, min(1.0, self.integral + KI * error * ROW_S))
        self.output = limited
        return limited if limited >= 0 else limited / BRAKE_RATIO

    def reset(self) -> None:
        """Forget the past, because a human drove the car or the car was stopped."""
        self.integral = self.output = 0.0


def corner_limit_mph(steering: float, corner_g: float) -> float:
    """Return the speed at which a steering costs `corner_g` of sideways acceleration.

    The radius of the bicycle model is R = wheelbase / tan(25° · |steering|), and v = sqrt(a R).

    Args:
        steering: -1..1.
        corner_g: sideways acceleration in multiples of gravity; with 0 no bend limits the speed.
    """
    tangent = math.tan(MAX_STEER_RAD * min(1.0, abs(steering)))
    if corner_g <= 0 or tangent < 1e-6:
        return math.inf
    radius_m = WHEELBASE_M / tangent
    return max(MIN_LIMIT_MPH, math.sqrt(corner_g * GRAVITY_MPS2 * radius_m) / MPS_PER_MPH)


def stale_frame_limit_mph(age_s: float) -> float:
    """Return the speed at which the car drives STALE_FRAME_DISTANCE_M while a frame is `age_s` old.

    From the arrival of a frame to its answer the car drives v · age with the steering of an older
    frame. With v = STALE_FRAME_DISTANCE_M / age this distance is the same at every age.
    """
    if age_s <= 0:
        return math.inf
    return max(MIN_LIMIT_MPH, STALE_FRAME_DISTANCE_M / age_s / MPS_PER_MPH)


def fallback(
    steering: float, age_s: float, speed_mph: float, throttle: float
) -> tuple[float, float]:
    """Return steering and throttle, both -1..1, for a steering that may be too old to use.

    A steering of up to HOLD_S is used as it is. After that the car drives straight on and brakes
    until it stands.

    Args:
        steering: the steering that was last known.
        age_s: seconds since it was known.
        speed_mph: speed of the car.
        throttle: the throttle that the speed controller asks for.
    """
    if age_s <= HOLD_S:
        return steering, throttle
    return 0.0, -1.0 if speed_mph > STANDING_MPH else 0.0
