"""What the side cameras' frames are labelled with: the steering of a car that stands where they do.

A side camera sees what the centre camera of a car 0.8 m further to that side would see. The usual
recipe adds a guessed constant to the steering for the left one and takes it from the right one's;
by geometry it is what leads back from there in a given time (recovery.py), as for moved views.
"""

from __future__ import annotations

from functools import partial
from typing import Final

import numpy as np
import numpy.typing as npt

from contract.vehicle import CAMERA_LEFT_M
from trainer.data.recovery import corrected
from trainer.data.samples import Labeller

AUTO: Final = "auto"

Values = npt.NDArray[np.float32]


def labeller(correction: float | str, back_s: float) -> Labeller:
    """Return what labels a camera's frames.

    Args:
        correction: added to the steering for the left camera, subtracted for the right one; AUTO
            takes what leads back from the camera's place.
        back_s: the time within which it does.
    """
    if isinstance(correction, str):
        return partial(_geometric, back_s)
    return partial(_constant, correction)


def _constant(correction: float, steering: Values, camera: str, speed_mps: Values) -> Values:
    # The left camera sees what a car too far left would, so steer right.
    return np.asarray(steering + np.sign(CAMERA_LEFT_M[camera]) * correction, dtype=np.float32)


def _geometric(back_s: float, steering: Values, camera: str, speed_mps: Values) -> Values:
    if not CAMERA_LEFT_M[camera]:
        return steering
    label, speed = steering.astype(np.float64), speed_mps.astype(np.float64)
    left_m, left_rad = np.full(len(label), CAMERA_LEFT_M[camera]), np.zeros(len(label))
    return corrected(label, left_m, left_rad, speed, back_s).astype(np.float32)
