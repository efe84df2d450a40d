"""Projects points with OpenCV, from the rotation that Unity's prefab gives its cameras.

Nothing of Lapwing's own cameras is used. Unity's axes are x to the right, y up and z ahead, which
are left-handed. A rotation (x, y, z) turns about z first, then about x, then about y (Unity's
manual, Transform.eulerAngles).
"""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

ANGLES_DEG = (9.50, 0.72, 1.20)
"""Rotation of all three cameras in the prefab."""
RIGHT_M = {"center": 0.0, "left": -0.806, "right": 0.825}
AHEAD_M, UP_M = 1.0, 1.2
FOCAL_PX = 80 / math.tan(math.radians(30))
"""A picture of 160 rows has a vertical field of view of 60 degrees."""

Floats = NDArray[np.float64]


def rotation(angles_deg: tuple[float, float, float] = ANGLES_DEG) -> Floats:
    """Return the rotation, (3, 3), from a camera's axes to the car's; both are Unity's."""
    x, y, z = np.radians(angles_deg)
    about_x = [[1, 0, 0], [0, math.cos(x), -math.sin(x)], [0, math.sin(x), math.cos(x)]]
    about_y = [[math.cos(y), 0, math.sin(y)], [0, 1, 0], [-math.sin(y), 0, math.cos(y)]]
    about_z = [[math.cos(z), -math.sin(z), 0], [math.sin(z), math.cos(z), 0], [0, 0, 1]]
    return np.array(about_y) @ np.array(about_x) @ np.array(about_z)


def project(
    points: Floats,
    side: str = "center",
    angles_deg: tuple[float, float, float] = ANGLES_DEG,
    up_m: float = UP_M,
    focal_px: float = FOCAL_PX,
) -> Floats:
    """Return the columns and rows, (N, 2), at which a camera sees points.

    Args:
        points: Points relative to the car's origin: metres ahead, to the left and up, (N, 3).
        side: Name of the camera: center, left or right.
        angles_deg: Rotation of the cameras.
        up_m: Height of the cameras.
        focal_px: Focal length.

    Returns:
        Coordinates in pixels; the middle of the first pixel is at 0.
    """
    ahead, left, up = np.asarray(points, np.float64).reshape(-1, 3).T
    from_camera = np.column_stack([-left - RIGHT_M[side], up_m - up, ahead - AHEAD_M])
    # OpenCV's axes are right, down and ahead. With down for up, Unity's become right-handed.
    down = np.diag([1.0, -1.0, 1.0])
    turn, _ = cv2.Rodrigues(down @ rotation(angles_deg).T @ down)
    intrinsics = np.array([[focal_px, 0, 159.5], [0, focal_px, 79.5], [0, 0, 1]])
    pixels, _ = cv2.projectPoints(from_camera, turn, np.zeros(3), intrinsics, np.zeros(4))
    return np.asarray(pixels.reshape(-1, 2), dtype=np.float64)
