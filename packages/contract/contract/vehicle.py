"""The measurements of the car, its cameras and its recorder in Udacity's simulator.

The figures come from docs/protocol.md unless a comment says otherwise. All packages that compute
with the car take them from here: trainer, doctor, bridge, simulator and evaluator.
"""

from __future__ import annotations

import math
from typing import Final

__all__ = [
    "BRAKE_RATIO",
    "CALIBRATED_HEIGHT_M",
    "CALIBRATED_PITCH_DOWN_DEG",
    "CALIBRATED_ROLL_COUNTERCLOCKWISE_DEG",
    "CAMERA_AHEAD_M",
    "CAMERA_AHEAD_OF_REAR_AXLE_M",
    "CAMERA_HEIGHT_M",
    "CAMERA_LEFT_M",
    "CAMERA_NAMES",
    "CAMERA_PITCH_DOWN_DEG",
    "CAMERA_ROLL_COUNTERCLOCKWISE_DEG",
    "CAMERA_YAW_RIGHT_DEG",
    "FOCAL_PX",
    "GRAVITY_MPS2",
    "IMAGE_HEIGHT",
    "IMAGE_WIDTH",
    "MAX_STEER_DEG",
    "MAX_STEER_RAD",
    "MPS_PER_MPH",
    "ORIGIN_AHEAD_OF_REAR_AXLE_M",
    "REVERSE_BELOW_MPH",
    "ROW_HZ",
    "ROW_S",
    "TOP_SPEED_MPH",
    "TYRE_GRIP",
    "WHEELBASE_M",
    "YAW_LAG_S",
]

MPS_PER_MPH: Final = 0.44704
"""Metres per second in one mile per hour, which is 1,609.344 m / 3,600 s."""

# The car.
WHEELBASE_M: Final = 2.87
"""Distance between the front and the rear axle."""
ORIGIN_AHEAD_OF_REAR_AXLE_M: Final = 1.6
"""Distance of the car's origin in front of the rear axle.

The rear axle is the point that a bicycle model moves along its heading; in a bend, the origin
moves outwards of the heading."""
MAX_STEER_DEG: Final = 25.0
"""Angle of the front wheels in degrees at a steering command of 1."""
MAX_STEER_RAD: Final = math.radians(MAX_STEER_DEG)
"""The same angle in radians."""
YAW_LAG_S: Final = 0.15
"""Time constant of the first-order lag with which the yaw rate follows the steering.

Measurements gave 0.10 to 0.20 s."""
TOP_SPEED_MPH: Final = 30.0
"""Speed that the car does not exceed."""
BRAKE_RATIO: Final = 40.0
"""Torque of all brakes divided by the torque of the engine: 4 · 20,000 N m over 2,000 N m."""
GRAVITY_MPS2: Final = 9.81
"""Acceleration of free fall."""
# This is an assumption: it stands for the friction curves of the wheels.
TYRE_GRIP: Final = 0.9
"""Largest acceleration in any direction as a share of gravity; typical of dry asphalt."""
REVERSE_BELOW_MPH: Final = 5.0
"""Speed at and below which a negative throttle is the reverse gear and does not brake."""

# The recorder.
ROW_HZ: Final = 15.0
"""Number of rows that the recorder writes each second."""
ROW_S: Final = 1 / ROW_HZ
"""Seconds between two rows."""

# The cameras. In the axes of Unity, x to the right, y up and z ahead, the prefab's rotation of all
# three is (9.50, 0.72, 1.20) degrees. Those axes are left-handed: a positive angle about x looks
# down, one about y turns to the right, and one about z lifts the right side.
CAMERA_NAMES: Final = ("center", "left", "right")
"""Names of the cameras, in the order of the columns of a driving log and of a store's rows."""
CAMERA_LEFT_M: Final = {"center": 0.0, "left": 0.806, "right": -0.825}
"""Distance of each camera from the middle of the car in metres, positive to the left.

docs/adr/0009-recipe.md compares these distances with what the pictures show."""
CAMERA_AHEAD_M: Final = 1.0
"""Distance of the cameras in front of the car's origin."""
CAMERA_AHEAD_OF_REAR_AXLE_M: Final = CAMERA_AHEAD_M + ORIGIN_AHEAD_OF_REAR_AXLE_M
"""Distance of the cameras in front of the rear axle."""
CAMERA_HEIGHT_M: Final = 1.2
"""Height of the cameras above the road."""
CAMERA_PITCH_DOWN_DEG: Final = 9.5
"""Angle by which the cameras look below the horizon."""
CAMERA_YAW_RIGHT_DEG: Final = 0.72
"""Angle by which the cameras are turned to the right."""
CAMERA_ROLL_COUNTERCLOCKWISE_DEG: Final = 1.2
"""Angle by which the cameras are rolled counterclockwise, as seen from behind the car.

So what they see is turned clockwise in the picture: the hood's right side lies lower."""
# What real pictures show. The prefab's figures hold for the car's body alone, not for how it stands
# on its springs. `lapwing sim calibrate` measures these from three recordings of the lake by three
# different drivers, which agree within 7 mm, 0.13 degrees and 0.03 degrees. docs/rerun.md tells how
# they were checked.
CALIBRATED_HEIGHT_M: Final = 1.268
"""Height of the cameras above the road in real recordings."""
CALIBRATED_PITCH_DOWN_DEG: Final = 8.1
"""Angle by which the cameras look below the horizon in real recordings."""
CALIBRATED_ROLL_COUNTERCLOCKWISE_DEG: Final = 1.12
"""Angle by which the cameras are rolled in real recordings."""
IMAGE_WIDTH: Final = 320
"""Width of a camera's image in pixels."""
IMAGE_HEIGHT: Final = 160
"""Height of a camera's image in pixels."""
FOCAL_PX: Final = 138.6
"""Focal length in pixels, for an image of 320 x 160."""
