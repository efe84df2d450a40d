"""Labels the frames of the side cameras: with the steering of a car that stands where they do.

A side camera sees what the centre camera of a car 0.8 m further to that side would see. The usual
recipe adds a guessed constant to the steering for the left camera and subtracts it for the right
one. By geometry, the label is the steering that leads back from there within a given time
(augmentation/recovery.py), as for views that augmentation moves.
"""

from __future__ import annotations

from functools import partial

import numpy as np
import numpy.typing as npt

from contract.errors import TrainingError
from contract.vehicle import CAMERA_LEFT_M
from trainer.data.augmentation.recovery import recovery_steering
from trainer.data.samples import Labeller

Values = npt.NDArray[np.float32]


def make_labeller(steering_correction: float | str, recovery_time_s: float) -> Labeller:
    """Return the function that labels a camera's frames.

    Args:
        steering_correction: added to the steering for the left camera and subtracted for the
            right one; "auto" takes the steering that leads back from the camera's position.
        recovery_time_s: time within which that steering leads back.
    """
    if isinstance(steering_correction, str):
        return partial(_geometric, recovery_time_s)
    return partial(_constant, steering_correction)


def _constant(correction: float, steering: Values, camera: str, speed_mps: Values) -> Values:
    # The left camera sees what a car too far to the left would see, which must steer right.
    return np.asarray(steering + np.sign(CAMERA_LEFT_M[camera]) * correction, dtype=np.float32)


def _geometric(recovery_time_s: float, steering: Values, camera: str, speed_mps: Values) -> Values:
    if not CAMERA_LEFT_M[camera]:
        return steering
    if not np.isfinite(speed_mps).all():
        raise TrainingError(
            "a recording with side cameras does not say the speed in each row",
            got=f"{int((~np.isfinite(speed_mps)).sum())} of {len(speed_mps)} rows without it",
            remedy="Train with --no-cameras, or with a number as --steering-correction",
        )
    label, speed = steering.astype(np.float64), speed_mps.astype(np.float64)
    left_m, left_rad = np.full(len(label), CAMERA_LEFT_M[camera]), np.zeros(len(label))
    return recovery_steering(label, left_m, left_rad, speed, recovery_time_s).astype(np.float32)
