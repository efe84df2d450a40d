"""The car, its cameras and its recorder, as Udacity's simulator has them.

The figures are those of docs/protocol.md unless a comment says otherwise. Whoever computes with the
car takes them from here: trainer, doctor, bridge, simulator and evaluator.
"""

from __future__ import annotations

import math
from typing import Final

__all__ = [
    "CAMERA_AHEAD_M",
    "CAMERA_AHEAD_OF_REAR_AXLE_M",
    "CAMERA_HEIGHT_M",
    "CAMERA_LEFT_M",
    "CAMERA_NAMES",
    "CAMERA_PITCH_DOWN_DEG",
    "CAMERA_ROLL_CLOCKWISE_DEG",
    "CAMERA_YAW_LEFT_DEG",
    "FOCAL_PX",
    "IMAGE_HEIGHT",
    "IMAGE_WIDTH",
    "MAX_STEER_DEG",
    "MAX_STEER_RAD",
    "MPS_PER_MPH",
    "ROW_S",
    "TOP_SPEED_MPH",
    "WHEELBASE_M",
    "YAW_LAG_S",
]

MPS_PER_MPH: Final = 0.44704
"""Metres per second in one mile per hour: 1,609.344 m / 3,600 s."""

# The car.
WHEELBASE_M: Final = 2.87
MAX_STEER_DEG: Final = 25.0
"""Angle of the front wheels at a steering command of 1."""
MAX_STEER_RAD: Final = math.radians(MAX_STEER_DEG)
YAW_LAG_S: Final = 0.15
"""Time constant of the first-order lag with which the yaw rate follows the steering.

Measured as 0.10 to 0.20 s."""
TOP_SPEED_MPH: Final = 30.0

# The recorder.
ROW_HZ: Final = 15.0
"""Rows that the recorder writes each second."""
ROW_S: Final = 1 / ROW_HZ

# The cameras. The protocol's source does not give the signs of yaw and roll: the renderer takes
# them as turned to the left and clockwise.
CAMERA_NAMES: Final = ("center", "left", "right")
"""The cameras in the order of the columns of a driving log and of a store's rows."""
CAMERA_LEFT_M: Final = {"center": 0.0, "left": 0.806, "right": -0.825}
"""Distance of each camera from the car's middle, positive to the left.

docs/adr/0009-recipe.md compares it with what pictures show."""
CAMERA_AHEAD_M: Final = 1.0
"""Distance of the cameras from the car's origin, forwards."""
CAMERA_AHEAD_OF_REAR_AXLE_M: Final = CAMERA_AHEAD_M + 1.6
"""Distance of the cameras from the rear axle, which a bicycle model moves along its heading."""
CAMERA_HEIGHT_M: Final = 1.2
CAMERA_PITCH_DOWN_DEG: Final = 9.5
CAMERA_YAW_LEFT_DEG: Final = 0.7
CAMERA_ROLL_CLOCKWISE_DEG: Final = 1.2
IMAGE_WIDTH: Final = 320
IMAGE_HEIGHT: Final = 160
FOCAL_PX: Final = 138.6
"""Focal length in pixels of an image of 320 x 160."""
