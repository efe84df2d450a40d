"""Udacity's car as a bicycle: what a steering and a throttle make of its motion.

Figures are those of docs/protocol.md unless a constant says otherwise. Every step is a pure
function of the state before it, so the same commands give the same run to the bit.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from contract.vehicle import MAX_STEER_RAD, MPS_PER_MPH, TOP_SPEED_MPH, WHEELBASE_M, YAW_LAG_S

STEP_S: Final = 0.01
"""The world's clock: 100 Hz."""
MASS_KG: Final = 1080.0  # 1000 + 4 wheels of 20
THROTTLE_NM: Final = 2000.0  # over all four wheels
BRAKE_NM: Final = 20_000.0
TOP_MPS: Final = TOP_SPEED_MPH * MPS_PER_MPH
GRAVITY: Final = 9.81

# Assumptions: the simulator's source gives no figures for these.
WHEEL_RADIUS_M: Final = 0.35
GRIP: Final = 0.9
"""Of dry asphalt: no acceleration, sideways or along, is more than this share of gravity."""
ROLLING: Final = 0.012
"""Rolling resistance as a share of the weight; a car's on asphalt is 0.010 to 0.015."""
DRAG_PER_M: Final = 0.0005
"""Air drag, m/s² per (m/s)²: ½ · 1.2 kg/m³ · 0.9 m² / 1080 kg."""


@dataclass(frozen=True)
class Motion:
    """How the car moves, on the plan."""

    x_m: float
    y_m: float
    heading_rad: float
    speed_mps: float = 0.0
    yaw_rad_s: float = 0.0
    """Positive to the left."""


def step(motion: Motion, steering: float, throttle: float, grade: float = 0.0) -> Motion:
    """Return the motion one STEP_S later.

    The kinematic bicycle's yaw rate v·tan(δ)/wheelbase, as far as the tyres grip, is followed
    with a first-order lag; the way during the step is the arc of its mean speed and yaw rate.

    Args:
        motion: now.
        steering: -1..1, positive to the right.
        throttle: -1..1, negative brakes.
        grade: rise over run of the road in the direction that the car points.
    """
    speed = _speed(motion.speed_mps, throttle, grade)
    mean = (motion.speed_mps + speed) / 2
    wanted = -mean * math.tan(max(-1.0, min(1.0, steering)) * MAX_STEER_RAD) / WHEELBASE_M
    if mean > 0:
        most = GRIP * GRAVITY / mean
        wanted = max(-most, min(most, wanted))
    kept = math.exp(-STEP_S / YAW_LAG_S)
    yaw = wanted + (motion.yaw_rad_s - wanted) * kept
    # The integral of the lag over the step, exactly.
    turned = wanted * STEP_S + (motion.yaw_rad_s - wanted) * YAW_LAG_S * (1 - kept)
    half = turned / 2
    chord = mean * STEP_S * (math.sin(half) / half if half else 1.0)
    return Motion(
        x_m=motion.x_m + chord * math.cos(motion.heading_rad + half),
        y_m=motion.y_m + chord * math.sin(motion.heading_rad + half),
        heading_rad=motion.heading_rad + turned,
        speed_mps=speed,
        yaw_rad_s=yaw,
    )


def _speed(speed_mps: float, throttle: float, grade: float) -> float:
    """Return the speed one step later, m/s, from 0 to the clamp: the car has no reverse gear."""
    slope = math.atan(grade)
    most = GRIP * GRAVITY * math.cos(slope)
    torque = throttle * (THROTTLE_NM if throttle >= 0 else BRAKE_NM)
    push = max(-most, min(most, torque / WHEEL_RADIUS_M / MASS_KG))
    push -= GRAVITY * math.sin(slope) + DRAG_PER_M * speed_mps**2
    if speed_mps > 0:
        push -= ROLLING * GRAVITY * math.cos(slope)
    return max(0.0, min(TOP_MPS, speed_mps + push * STEP_S))
