"""Moves a virtual car beside the recorded one, by the difference of their steering.

Both cars have the recorded speed and the same steering model: the yaw rate of the kinematic
bicycle, v tan(25 degrees s) / 2.87 m, through a first-order lag of 0.15 s (docs/protocol.md, where
the model is identified on real recordings). Where the recorded car differs from the model, the
virtual car differs in the same way. So only the difference of the two yaw rates is integrated:

    heading' = yaw(steering) - yaw(recorded steering)        offset' = v sin(heading)

Source: Bojarski et al. 2016 (DAVE-2), arXiv 1604.07316, section 6. As there, the virtual car stays
level with the recorded one: an inner line is not shorter.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from contract.vehicle import MAX_STEER_RAD, WHEELBASE_M, YAW_LAG_S

Floats = NDArray[np.float64]

MAX_STEP_S: Final = 0.02
"""Longest step of the integration.

The lag is integrated exactly, the offset with the heading in the middle of the step."""


@dataclass(frozen=True)
class RelativePose:
    """Pose of the virtual car relative to the recorded one."""

    left_m: float = 0.0
    """Lateral offset, positive to the left."""
    heading_rad: float = 0.0
    """Heading, positive to the left."""
    yaw_rad_s: float = 0.0
    """Yaw rate of the virtual car."""
    recorded_yaw_rad_s: float = 0.0
    """Yaw rate that the model gives the recorded car."""

    def reset(self) -> RelativePose:
        """Return the pose after an intervention: on the recorded path, with its yaw rate."""
        return RelativePose(0.0, 0.0, self.recorded_yaw_rad_s, self.recorded_yaw_rad_s)


def advance(
    car: RelativePose, steering: float, recorded: float, speed_mps: float, duration_s: float
) -> RelativePose:
    """Return the pose after a row's time.

    Args:
        car: pose at the row.
        steering: steering of the virtual car, -1..1, positive to the right.
        recorded: steering of the recorded car, likewise.
        speed_mps: speed of both cars.
        duration_s: time for which both steerings are in force.
    """
    count = max(1, math.ceil(duration_s / MAX_STEP_S))
    step_s = duration_s / count
    decay = math.exp(-step_s / YAW_LAG_S)
    target, recorded_target = yaw_rad_s(steering, speed_mps), yaw_rad_s(recorded, speed_mps)
    left_m, heading = car.left_m, car.heading_rad
    yaw, recorded_yaw = car.yaw_rad_s, car.recorded_yaw_rad_s
    for _ in range(count):
        # The integral of each lag over the step, and of their difference.
        turn = (target - recorded_target) * step_s + (
            (yaw - target) - (recorded_yaw - recorded_target)
        ) * YAW_LAG_S * (1 - decay)
        left_m += speed_mps * step_s * math.sin(heading + turn / 2)
        heading += turn
        yaw = target + (yaw - target) * decay
        recorded_yaw = recorded_target + (recorded_yaw - recorded_target) * decay
    return RelativePose(left_m, heading, yaw, recorded_yaw)


def yaw_rad_s(steering: float, speed_mps: float) -> float:
    """Return the yaw rate of the bicycle at a constant steering, positive to the left."""
    return -speed_mps * math.tan(max(-1.0, min(1.0, steering)) * MAX_STEER_RAD) / WHEELBASE_M


def integrate_path(time_s: Floats, yaw: Floats, speed_mps: Floats) -> tuple[Floats, Floats]:
    """Return the path of a car that starts at the origin.

    Args:
        time_s: rising times, shape (rows,).
        yaw: yaw rates, shape (rows,), positive to the left.
        speed_mps: speeds, shape (rows,).

    Returns:
        The positions, metres, shape (rows, 2), and the headings, shape (rows,).
    """
    duration = np.diff(time_s)
    heading = np.concatenate([[0.0], np.cumsum(yaw[:-1] * duration)])
    middle = (heading[:-1] + heading[1:]) / 2
    step = (speed_mps[:-1] * duration)[:, None] * np.column_stack([np.cos(middle), np.sin(middle)])
    return np.concatenate([np.zeros((1, 2)), np.cumsum(step, axis=0)]), heading
