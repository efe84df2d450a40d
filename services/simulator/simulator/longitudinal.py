"""The speed of Udacity's car: throttle and brake torque on its mass, and the clamp at 30 mph."""

from __future__ import annotations

from typing import Final

MASS_KG: Final = 1080.0  # 1000 + 4 wheels of 20
THROTTLE_NM: Final = 2000.0  # over all four wheels
BRAKE_NM: Final = 20_000.0
WHEEL_RADIUS_M: Final = 0.35
"""An assumption: the protocol page does not give it. It scales how quickly speed changes."""
TOP_MPH: Final = 30.0
MPS_PER_MPH: Final = 0.44704


def advance(speed_mph: float, throttle: float, seconds: float) -> float:
    """Return the speed, mph, after driving with a throttle of -1..1 (negative brakes)."""
    torque = throttle * (THROTTLE_NM if throttle >= 0 else BRAKE_NM)
    acceleration = torque / WHEEL_RADIUS_M / MASS_KG  # m/s²
    return max(0.0, min(TOP_MPH, speed_mph + acceleration * seconds / MPS_PER_MPH))
