"""Tells whether the car rolls forwards or backwards; telemetry's speed is a magnitude.

Nothing says it directly, so it is concluded from how the speed changes under a known throttle.
"""

from __future__ import annotations

import math
from collections import deque
from typing import Final

from contract.vehicle import BRAKE_RATIO, MPS_PER_MPH

FULL_THROTTLE_MPS2: Final = 5.27
"""Acceleration of full throttle: 2,000 N m on wheels of 0.335 and 0.37 m, and 1,080 kg."""
DRAG_PER_S: Final = 0.1
"""Share of its speed that the car loses in a second."""
STEEPEST_MPS2: Final = 1.5
"""Acceleration of the steepest slope that the rules count with: 15 %."""
WEAK_THROTTLE: Final = 0.1
"""Throttle below which a car that gains speed is not driven by its engine."""
TURNING_MPH: Final = 0.5
"""Speed up to which the car may have turned around between two telemetries."""
STANDING_MPH: Final = 0.1
"""Speed up to which it does not matter where the car rolls."""
RESOLUTION_MPH: Final = 0.0002
"""Change up to which the speed is the same: two units of telemetry's last decimal."""
CHANGES_TO_BELIEVE: Final = 2
"""Number of changes of the speed in a row, in one direction, that tell a direction."""
CHANGES_TO_DOUBT: Final = 8
"""Number of changes in a row that contradict a direction that was told. No car turns around without
standing, so this happens only where answers are in force much later than they are given."""


class RollDirection:
    """Follows the direction of one car, from its speed and its throttle.

    A throttle that pushes harder than the steepest slope pulls makes a car faster if it rolls
    forwards, and slower if it rolls backwards; with a brake it is the other way around, because for
    a car that rolls backwards the brake is the reverse gear. Near standing the speed is continued
    along its last change, through 0 if it leads there. A car that gains speed from standing with
    hardly any throttle is taken to roll back; if the slope leads forwards instead, the throttle
    that is given against the roll makes it faster, and so shows it.
    """

    def __init__(self) -> None:
        self._signed_mph = 0.0
        self._change_mph = 0.0
        self._throttles: deque[float] = deque([0.0], CHANGES_TO_DOUBT + 1)
        self._rises = self._falls = 0
        self._known = False

    def update(self, speed_mph: float) -> float:
        """Return the speed with its sign, negative while the car rolls backwards.

        Args:
            speed_mph: speed of the telemetry; other simulators may send it with its sign.
        """
        last_mph = self._signed_mph
        sign = -1.0 if speed_mph < 0 else self._sign(speed_mph)
        self._signed_mph = math.copysign(speed_mph, sign)
        self._change_mph = self._signed_mph - last_mph
        return self._signed_mph

    def record_throttle(self, throttle: float) -> None:
        """Record the throttle that is answered now."""
        self._throttles.append(throttle)

    def _sign(self, speed_mph: float) -> float:
        """Return a number that has the sign of the speed."""
        last_mph = abs(self._signed_mph)
        self._rises = self._rises + 1 if speed_mph > last_mph + RESOLUTION_MPH else 0
        self._falls = self._falls + 1 if speed_mph < last_mph - RESOLUTION_MPH else 0
        if speed_mph <= TURNING_MPH:
            self._known = False
        needed = CHANGES_TO_DOUBT if self._known else CHANGES_TO_BELIEVE
        # Any of the answers since the first of these changes may be in force, and the one before.
        throttles = list(self._throttles)[-needed - 1 :]
        weakest, strongest = min(throttles), max(throttles)
        slope_mps2 = STEEPEST_MPS2 + DRAG_PER_S * speed_mph * MPS_PER_MPH
        if weakest * FULL_THROTTLE_MPS2 > slope_mps2:
            pushed = 1.0
        elif -strongest * BRAKE_RATIO * FULL_THROTTLE_MPS2 > slope_mps2:
            pushed = -1.0
        else:
            pushed = 0.0
        if pushed and max(self._rises, self._falls) >= needed:
            self._known = True
            return pushed if self._rises else -pushed
        rolls = self._rises >= CHANGES_TO_BELIEVE and speed_mph > STANDING_MPH
        if rolls and not self._known and strongest < WEAK_THROTTLE:
            return -1.0
        if max(speed_mph, last_mph) <= TURNING_MPH:
            expected_mph = self._signed_mph + self._change_mph
            if expected_mph:
                return expected_mph
        return self._signed_mph
