"""Models the motion of Udacity's car as a kinematic bicycle.

The figures that only the simulator needs are here; the others are in contract.vehicle. Their source
is docs/protocol.md unless a comment says otherwise. Each step is a pure
function of the state before it, so the same commands always give bit-identical motion.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from contract.vehicle import (
    MAX_STEER_RAD,
    MPS_PER_MPH,
    TOP_SPEED_MPH,
    WHEELBASE_M,
    YAW_LAG_S,
)

STEP_S: Final = 0.01
"""Time step of the simulation: 100 Hz."""
MASS_KG: Final = 1080.0  # 1000 kg and four wheels of 20 kg
THROTTLE_NM: Final = 2000.0  # Total torque of the four wheels
BRAKE_NM: Final = 20_000.0
MAX_SPEED_MPS: Final = TOP_SPEED_MPH * MPS_PER_MPH
GRAVITY_MPS2: Final = 9.81

# These four are assumptions: the simulator's source gives no figures for them.
WHEEL_RADIUS_M: Final = 0.35
TYRE_GRIP: Final = 0.9
"""Largest acceleration in any direction as a share of gravity; typical of dry asphalt."""
ROLLING_RESISTANCE: Final = 0.012
"""Rolling resistance as a share of the weight; for a car on asphalt it is 0.010 to 0.015."""
DRAG_PER_M: Final = 0.0005
"""Air drag in m/s² per (m/s)²: ½ · 1.2 kg/m³ · 0.9 m² / 1080 kg."""


@dataclass(frozen=True)
class VehicleState:
    """Position, heading and speed of the car, seen from above."""

    x_m: float
    y_m: float
    heading_rad: float
    speed_mps: float = 0.0
    yaw_rad_s: float = 0.0
    """Yaw rate, positive to the left."""


def step(state: VehicleState, steering: float, throttle: float, grade: float = 0.0) -> VehicleState:
    """Return the state of the car one STEP_S later.

    The yaw rate of a kinematic bicycle is v·tan(δ)/wheelbase, limited by the grip of the tyres. The
    car follows it with a first-order lag. The path during the step is the arc of the mean speed and
    the mean yaw rate.

    Args:
        state: State of the car now.
        steering: Steering -1..1, positive to the right.
        throttle: Throttle -1..1; a negative value brakes.
        grade: Rise over run of the road in the direction that the car points.
    """
    speed = _next_speed(state.speed_mps, throttle, grade)
    mean_speed = (state.speed_mps + speed) / 2
    wheel_angle = max(-1.0, min(1.0, steering)) * MAX_STEER_RAD
    target_yaw = -mean_speed * math.tan(wheel_angle) / WHEELBASE_M
    if mean_speed > 0:
        max_yaw = TYRE_GRIP * GRAVITY_MPS2 / mean_speed
        target_yaw = max(-max_yaw, min(max_yaw, target_yaw))
    decay = math.exp(-STEP_S / YAW_LAG_S)
    yaw = target_yaw + (state.yaw_rad_s - target_yaw) * decay
    # This is the exact integral of the lagging yaw rate over the step.
    turn = target_yaw * STEP_S + (state.yaw_rad_s - target_yaw) * YAW_LAG_S * (1 - decay)
    half_turn = turn / 2
    chord = mean_speed * STEP_S * (math.sin(half_turn) / half_turn if half_turn else 1.0)
    return VehicleState(
        x_m=state.x_m + chord * math.cos(state.heading_rad + half_turn),
        y_m=state.y_m + chord * math.sin(state.heading_rad + half_turn),
        heading_rad=state.heading_rad + turn,
        speed_mps=speed,
        yaw_rad_s=yaw,
    )


def _next_speed(speed_mps: float, throttle: float, grade: float) -> float:
    """Return the speed one step later, m/s; it is never negative, as there is no reverse gear."""
    slope = math.atan(grade)
    max_acceleration = TYRE_GRIP * GRAVITY_MPS2 * math.cos(slope)
    torque = throttle * (THROTTLE_NM if throttle >= 0 else BRAKE_NM)
    acceleration = torque / WHEEL_RADIUS_M / MASS_KG
    acceleration = max(-max_acceleration, min(max_acceleration, acceleration))
    acceleration -= GRAVITY_MPS2 * math.sin(slope) + DRAG_PER_M * speed_mps**2
    if speed_mps > 0:
        acceleration -= ROLLING_RESISTANCE * GRAVITY_MPS2 * math.cos(slope)
    return max(0.0, min(MAX_SPEED_MPS, speed_mps + acceleration * STEP_S))
