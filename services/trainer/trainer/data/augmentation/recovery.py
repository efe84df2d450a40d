"""Computes the steering that leads back onto the recorded path from a position beside it.

Bojarski et al. 2016, section 2: "the steering label for transformed images is adjusted to one that
would steer the vehicle back to the desired location and orientation in two seconds". The recorded
steering leads, on an arc of curvature k, to a point L = recovery_time_s x speed ahead and k L^2 / 2
to the right. Seen from y to the left, looking psi to the left, that point lies y + psi L further to
the right, and the arc that leads there (pure pursuit; Coulter 1992, CMU-RI-TR-92-01) has the
curvature k + 2 (y + psi L) / L^2. A steering has the curvature k = tan(25 deg x steering) / 2.87 m.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from contract.vehicle import MAX_STEER_RAD, WHEELBASE_M

Floats = npt.NDArray[np.float64]
Steering = npt.NDArray[np.floating[Any]]

MIN_AHEAD_M: Final = 8.0
"""Minimum distance of the point to steer for.

Below 9 mph a point two seconds ahead is so near that a small offset would ask for full lock."""


def recovery_steering(
    label: Steering, left_m: Floats, left_rad: Floats, speed_mps: Floats, recovery_time_s: float
) -> Floats:
    """Return (n,) steering, -1..1, that leads back from positions beside the recorded ones.

    The docstring of the module gives the formula. A label beyond full lock, which the correction
    of a side camera can cause, keeps its excess.

    Args:
        label: (n,), the recorded steering.
        left_m: (n,), distance from the recorded position, to the left.
        left_rad: (n,), angle from the recorded direction, to the left.
        speed_mps: (n,).
        recovery_time_s: time within which the steering leads back.
    """
    ahead_m = np.maximum(recovery_time_s * speed_mps, MIN_AHEAD_M)
    curvature = np.tan(MAX_STEER_RAD * label) / WHEELBASE_M
    curvature = curvature + 2 * (left_m + left_rad * ahead_m) / ahead_m**2
    return np.asarray(np.arctan(WHEELBASE_M * curvature) / MAX_STEER_RAD)
