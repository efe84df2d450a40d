"""The steering that leads back onto the recorded path, from a place beside it.

Bojarski et al. 2016, section 2: "the steering label for transformed images is adjusted to one that
would steer the vehicle back to the desired location and orientation in two seconds". The recorded
steering leads, on an arc of curvature k, to a point L = back_s x speed ahead and k L^2 / 2 to the
right; seen from a place y to the left, looking psi to the left, that point lies y + psi L further
to the right, and the arc that leads there (pure pursuit; Coulter 1992, CMU-RI-TR-92-01) has the
curvature k + 2 (y + psi L) / L^2. A steering has the curvature k = tan(25 deg x steering) / 2.87 m.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from contract.vehicle import MAX_STEER_RAD, WHEELBASE_M

Floats = npt.NDArray[np.float64]

LEAST_M: Final = 8.0
"""Nearest point to steer for: below 9 mph two seconds ahead would mean full lock for a trifle."""


def corrected(
    label: Floats, left_m: Floats, left_rad: Floats, speed_mps: Floats, back_s: float
) -> Floats:
    """Return (n,) steerings, -1..1, that lead back from a place beside the recorded one.

    The module's docstring gives the formula. A label beyond full lock, as a side camera's
    correction may make it, keeps its excess.

    Args:
        label: (n,), the recorded steering.
        left_m: (n,), of the place, from the recorded one.
        left_rad: (n,), of the look, against the recorded one.
        speed_mps: (n,).
        back_s: the time within which it leads back.
    """
    ahead_m = np.maximum(back_s * speed_mps, LEAST_M)
    bend = np.tan(MAX_STEER_RAD * label) / WHEELBASE_M
    bend = bend + 2 * (left_m + left_rad * ahead_m) / ahead_m**2
    return np.asarray(np.arctan(WHEELBASE_M * bend) / MAX_STEER_RAD)
