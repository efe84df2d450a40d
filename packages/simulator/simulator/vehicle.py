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
    BRAKE_RATIO,
    GRAVITY_MPS2,
    MAX_STEER_RAD,
    MPS_PER_MPH,
    ORIGIN_AHEAD_OF_REAR_AXLE_M,
    REVERSE_BELOW_MPH,
    TOP_SPEED_MPH,
    TYRE_GRIP,
    WHEELBASE_M,
    YAW_LAG_S,
)

STEP_S: Final = 0.01
"""Time step of the simulation: 100 Hz."""
MASS_KG: Final = 1080.0  # 1000 kg and four wheels of 20 kg
THROTTLE_NM: Final = 2000.0  # Total torque of the engine on the four wheels
BRAKE_NM: Final = BRAKE_RATIO * THROTTLE_NM  # Total torque of the brakes, 20,000 N m on each wheel
REVERSE_NM: Final = 600.0  # Total torque of the reverse gear, 150 N m on each wheel
FRONT_WHEEL_RADIUS_M: Final = 0.335
REAR_WHEEL_RADIUS_M: Final = 0.37
DRAG_PER_S: Final = 0.1
"""Share of its speed that the car loses in a second: the drag of its Unity rigid body.

Nothing else but the tyres' grip resists the motion: the wheels' own damping would be some
0.02 m/s²."""
MAX_SPEED_MPS: Final = TOP_SPEED_MPH * MPS_PER_MPH
REVERSE_BELOW_MPS: Final = REVERSE_BELOW_MPH * MPS_PER_MPH
MPS2_PER_NM: Final = (1 / FRONT_WHEEL_RADIUS_M + 1 / REAR_WHEEL_RADIUS_M) / 2 / MASS_KG
"""Acceleration in m/s² for each N m of torque, of which each wheel has a quarter."""
FULL_THROTTLE_MPS2: Final = THROTTLE_NM * MPS2_PER_NM
"""Acceleration of full throttle: 5.27 m/s²."""


@dataclass(frozen=True)
class VehicleState:
    """Position of the car's origin, heading and speed, seen from above."""

    x_m: float
    y_m: float
    heading_rad: float
    speed_mps: float = 0.0
    """Speed along the heading; it is negative while the car rolls backwards."""
    yaw_rad_s: float = 0.0
    """Yaw rate, positive to the left."""
    brake_nm: float = 0.0
    """Torque of the brakes that is in force on the four wheels together."""


def step(state: VehicleState, steering: float, throttle: float, grade: float = 0.0) -> VehicleState:
    """Return the state of the car one STEP_S later.

    The yaw rate of a kinematic bicycle is v·tan(δ)/wheelbase, limited by the grip of the tyres. The
    car follows it with a first-order lag. The rear axle moves along the arc of the mean speed and
    the mean yaw rate; the origin, which is ahead of it, swings with the heading.

    Args:
        state: State of the car now.
        steering: Steering -1..1, positive to the right.
        throttle: Throttle -1..1; a negative value brakes above 5 mph, and is the reverse gear below
            that and while the car rolls backwards.
        grade: Rise over run of the road in the direction that the car points.
    """
    engine_nm, brake_nm = _torques(state, throttle)
    speed = _next_speed(state.speed_mps, engine_nm, brake_nm, grade)
    mean_speed = (state.speed_mps + speed) / 2
    wheel_angle = max(-1.0, min(1.0, steering)) * MAX_STEER_RAD
    target_yaw = -mean_speed * math.tan(wheel_angle) / WHEELBASE_M
    if mean_speed:
        max_yaw = TYRE_GRIP * GRAVITY_MPS2 / abs(mean_speed)
        target_yaw = max(-max_yaw, min(max_yaw, target_yaw))
    decay = math.exp(-STEP_S / YAW_LAG_S)
    yaw = target_yaw + (state.yaw_rad_s - target_yaw) * decay
    # This is the exact integral of the lagging yaw rate over the step.
    turn = target_yaw * STEP_S + (state.yaw_rad_s - target_yaw) * YAW_LAG_S * (1 - decay)
    half_turn = turn / 2
    chord = mean_speed * STEP_S * (math.sin(half_turn) / half_turn if half_turn else 1.0)
    middle, heading = state.heading_rad + half_turn, state.heading_rad + turn
    swing_x = ORIGIN_AHEAD_OF_REAR_AXLE_M * (math.cos(heading) - math.cos(state.heading_rad))
    swing_y = ORIGIN_AHEAD_OF_REAR_AXLE_M * (math.sin(heading) - math.sin(state.heading_rad))
    return VehicleState(
        x_m=state.x_m + chord * math.cos(middle) + swing_x,
        y_m=state.y_m + chord * math.sin(middle) + swing_y,
        heading_rad=heading,
        speed_mps=speed,
        yaw_rad_s=yaw,
        brake_nm=brake_nm,
    )


def _torques(state: VehicleState, throttle: float) -> tuple[float, float]:
    """Return the torques of the engine and of the brakes, N m over all wheels.

    At 5 mph and below, a throttle of 0 or more leaves the brakes as they were. So brakes that are
    on when the car falls below 5 mph stay on, until a negative throttle or a higher speed releases
    them. Source: `ApplyDrive` of the car's controller.
    """
    pedal = max(-1.0, min(1.0, throttle))
    if state.speed_mps > REVERSE_BELOW_MPS:
        return THROTTLE_NM * max(0.0, pedal), BRAKE_NM * max(0.0, -pedal)
    if pedal < 0:
        return REVERSE_NM * pedal, 0.0
    return THROTTLE_NM * pedal, state.brake_nm


def _next_speed(speed_mps: float, engine_nm: float, brake_nm: float, grade: float) -> float:
    """Return the speed along the heading one step later, m/s."""
    slope = math.atan(grade)
    max_acceleration = TYRE_GRIP * GRAVITY_MPS2 * math.cos(slope)
    engine = max(-max_acceleration, min(max_acceleration, engine_nm * MPS2_PER_NM))
    speed = speed_mps + (engine - GRAVITY_MPS2 * math.sin(slope)) * STEP_S
    # The brakes take speed away in either direction, and hold a car that they have stopped.
    braked = min(max_acceleration, brake_nm * MPS2_PER_NM) * STEP_S
    speed = math.copysign(max(0.0, abs(speed) - braked), speed)
    speed *= 1 - DRAG_PER_S * STEP_S
    return max(-MAX_SPEED_MPS, min(MAX_SPEED_MPS, speed))
