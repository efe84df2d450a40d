"""A virtual car abreast of the recorded one: what another steering would have made of the drive.

Both cars have the recorded speed and the same model of steering: the kinematic bicycle's yaw rate
v tan(25 degrees s) / 2.87 m through a first-order lag of 0.15 s (docs/protocol.md, where it is
identified on real recordings). What the recorded car did beyond the model, the virtual one does
too; so only the difference of the two yaw rates is integrated:

    heading' = yaw(steering) - yaw(recorded steering)        offset' = v sin(heading)

Source: Bojarski et al. 2016 (DAVE-2), arXiv 1604.07316, section 6. That the virtual car keeps
abreast (an inner line is no shorter) is theirs, too.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from contract.vehicle import MAX_STEER_RAD, WHEELBASE_M, YAW_LAG_S

SUBSTEP_S: Final = 0.02
"""The lag is integrated exactly; the offset by the heading in the middle of so long a step."""


@dataclass(frozen=True)
class Abreast:
    """Where the virtual car is, seen from the recorded one."""

    left_m: float = 0.0
    heading_rad: float = 0.0
    """Positive to the left, as the offset."""
    yaw_rad_s: float = 0.0
    recorded_yaw_rad_s: float = 0.0

    def back(self) -> Abreast:
        """Return it on the recorded path: an intervention."""
        return Abreast(0.0, 0.0, self.recorded_yaw_rad_s, self.recorded_yaw_rad_s)


def advance(
    car: Abreast, steering: float, recorded: float, speed_mps: float, held_s: float
) -> Abreast:
    """Return where the car is after a row's time.

    Args:
        car: at the row.
        steering: -1..1, positive to the right, of the virtual car.
        recorded: the same, of the recorded one.
        speed_mps: of both.
        held_s: for how long the two steerings are in force.
    """
    count = max(1, math.ceil(held_s / SUBSTEP_S))
    step_s = held_s / count
    kept = math.exp(-step_s / YAW_LAG_S)
    wanted, reference = yaw_rad_s(steering, speed_mps), yaw_rad_s(recorded, speed_mps)
    left_m, heading = car.left_m, car.heading_rad
    yaw, other = car.yaw_rad_s, car.recorded_yaw_rad_s
    for _ in range(count):
        # The integral of each lag over the step, and of their difference.
        turned = (wanted - reference) * step_s + (
            (yaw - wanted) - (other - reference)
        ) * YAW_LAG_S * (1 - kept)
        left_m += speed_mps * step_s * math.sin(heading + turned / 2)
        heading += turned
        yaw, other = wanted + (yaw - wanted) * kept, reference + (other - reference) * kept
    return Abreast(left_m, heading, yaw, other)


def yaw_rad_s(steering: float, speed_mps: float) -> float:
    """Return the bicycle's yaw rate, positive to the left, of a steering that has been held."""
    return -speed_mps * math.tan(max(-1.0, min(1.0, steering)) * MAX_STEER_RAD) / WHEELBASE_M
