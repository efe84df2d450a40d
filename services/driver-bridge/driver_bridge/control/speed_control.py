"""The laws that hold the car's speed, stop it, and brake it while its speed is unknown.

Nothing here reads a clock or a connection: each function takes values and returns values.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from contract.vehicle import (
    BRAKE_RATIO,
    GRAVITY_MPS2,
    MAX_STEER_RAD,
    MPS_PER_MPH,
    REVERSE_BELOW_MPH,
    ROW_S,
    WHEELBASE_M,
)
from driver_bridge.control.roll_direction import DRAG_PER_S, FULL_THROTTLE_MPS2

KP: Final = 0.28
"""Proportional gain: share of the engine's torque per mph of error. The 0.1 of drive.py overshoots
9 mph by 12 % on the flat; this gain overshoots by 1 %, and by 8 % down a slope of 10 %."""
KI: Final = 0.04
"""Integral gain: share of the engine's torque per mph and second. The 0.002 per frame of drive.py
is 0.03 at 15 frames a second."""
SLEW_PER_S: Final = 4.0
"""Largest change of the output in a second, in units of the engine's torque. A faster change is
quicker than a foot and would be felt as a jerk."""
HOLD_S: Final = 0.5
"""Longest time in seconds for which the last steering is held. At 30 mph the car moves 6.7 m."""
MAX_BRAKE: Final = 2.0
"""Strongest braking, in units of the engine's torque: 10.5 m/s², at which the tyres slide. A
throttle of -0.05 is that much. More would stop the car no sooner, and where the car turns out to
stand or to roll back, it would be as much more of the reverse gear."""
BRAKE_TIME_S: Final = 0.25
"""Longest time in seconds until the next answer is in force. The brakes are never so strong that
the car falls to 5 mph in that time."""
HOLD_KP: Final = 0.5
"""Proportional gain of the throttle that holds a stopped car, per mph."""
HOLD_KI: Final = 0.3
"""Integral gain of that throttle, per mph and second."""
MAX_HOLD: Final = 0.45
"""Largest throttle that holds a stopped car: 2.4 m/s², enough on a slope of 24 %."""
BLIND_BRAKE_S: Final = 2.0
"""Longest time in seconds for which a car of unknown speed is braked. From 30 mph to 5 mph the
brakes take 1.3 s."""
STALE_FRAME_DISTANCE_M: Final = 1.5
"""Longest distance in metres that the car may drive on one frame: half of its wheelbase."""
MIN_LIMIT_MPH: Final = 3.0
"""No bend and no old frame lowers the target speed below this: the car must still arrive."""


@dataclass
class SpeedController:
    """A PI controller that holds a speed or holds the car, in units of the engine's full torque.

    A negative throttle is the reverse gear at 5 mph and below, and while the car rolls backwards.
    So it is given at a higher speed forwards alone.

    Args:
        integral: the torque that balances the slope, as learned so far, -1..1.
        output: the torque of the frame before, -2..1.
    """

    integral: float = 0.0
    output: float = 0.0

    def throttle(self, speed_mph: float, target_mph: float) -> float:
        """Return the throttle for the next frame, -1..1; a negative throttle brakes.

        Args:
            speed_mph: speed of the car, negative while it rolls backwards.
            target_mph: speed to hold.
        """
        return self._control(speed_mph, target_mph - speed_mph, KP, KI)

    def stop(self, speed_mph: float) -> float:
        """Return the throttle that stops the car as fast as its tyres allow, and then holds it.

        Below 5 mph only a slope or the drag stops the car. Once it has stopped, a little throttle
        keeps it from rolling back. Nothing keeps it from rolling on down a slope, but at 5 mph it
        is braked again.

        Args:
            speed_mph: speed of the car, negative while it rolls backwards.
        """
        if speed_mph > REVERSE_BELOW_MPH:
            self.output = -_brake_limit(speed_mph)
            return self.output / BRAKE_RATIO
        return self._control(speed_mph, -speed_mph, HOLD_KP, HOLD_KI, MAX_HOLD)

    def _control(
        self, speed_mph: float, error: float, kp: float, ki: float, highest: float = 1.0
    ) -> float:
        drag = DRAG_PER_S * speed_mph * MPS_PER_MPH / FULL_THROTTLE_MPS2
        demand = kp * error + self.integral + drag
        # The nominal interval, not the measured one: telemetry carries no time, and a simulator in
        # lock-step may run faster than real time; a drive must be the same either way. The gains
        # leave room for a simulator that sends four times as often.
        max_change = SLEW_PER_S * ROW_S
        lowest = 0.0 - _brake_limit(speed_mph)
        limited = max(self.output - max_change, min(self.output + max_change, demand))
        limited = max(lowest, min(highest, limited))
        # Anti-windup: while the output is at the limit of its range or of its slew rate, a larger
        # integral in that direction would only make the next overshoot larger.
        if (demand - limited) * error <= 0:
            self.integral = max(-1.0, min(1.0, self.integral + ki * error * ROW_S))
        self.output = limited
        return limited / BRAKE_RATIO if limited < 0 else limited

    def reset(self) -> None:
        """Forget the past, because a human drove the car."""
        self.integral = self.output = 0.0


def _brake_limit(speed_mph: float) -> float:
    """Return the strongest braking, in units of the engine's torque.

    It leaves the car above 5 mph until the next answer is in force. That is not for the reverse
    gear alone: brakes that are on when the car falls below 5 mph are released by nothing but a
    negative throttle, and would hold the car against its engine for good.
    """
    above_mps = (speed_mph - REVERSE_BELOW_MPH) * MPS_PER_MPH
    return max(0.0, min(MAX_BRAKE, above_mps / BRAKE_TIME_S / FULL_THROTTLE_MPS2))


def brake_blindly(unknown_s: float) -> float:
    """Return the throttle of a car whose speed is unknown, for `unknown_s` seconds now.

    A car that drives must be braked. But for a car that stands the same answer is the reverse gear,
    and nothing tells which it is. A throttle of -0.05 is all that the tyres hold for the one, and
    0.08 m/s² backwards for the other: 16 cm in BLIND_BRAKE_S. After that time a car that drove has
    been stopped, and no throttle is the only answer that can drive no car backwards for ever.
    """
    return -MAX_BRAKE / BRAKE_RATIO if unknown_s < BLIND_BRAKE_S else 0.0


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
