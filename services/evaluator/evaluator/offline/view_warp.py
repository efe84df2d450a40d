"""The view from beside: what a camera would have seen from another place over level ground.

Every pixel of the wanted view is a ray. A ray below the horizon meets the ground, and the recorded
picture shows that point of the ground elsewhere: the homography of a plane. A ray above it meets
things that are far away, which only turning moves: the homography of the plane at infinity. Source:
Hartley and Zisserman 2004, Multiple View Geometry in Computer Vision, section 13.1. Bojarski
et al. 2016 (DAVE-2), arXiv 1604.07316, section 2, do the same: points below the horizon count as
on flat ground, and those above it as infinitely far away.

With the ray d in the car's axes, cameras at the height h and a move m between them, a point of the
ground lies at t d with t = h / -d_z from the one, and in the direction of d + m / t from the other.
So one formula serves both halves of the picture, d + m max(0, -d_z) / h, and they join at the
horizon without a seam. Things that stand on the ground lean, as they do with NVIDIA.
"""

from __future__ import annotations

import math
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from contract.errors import FrameError
from contract.vehicle import (
    CAMERA_AHEAD_OF_REAR_AXLE_M,
    CAMERA_HEIGHT_M,
    CAMERA_LEFT_M,
    CAMERA_NAMES,
    CAMERA_PITCH_DOWN_DEG,
    CAMERA_ROLL_CLOCKWISE_DEG,
    CAMERA_YAW_LEFT_DEG,
    FOCAL_PX,
    IMAGE_HEIGHT,
    IMAGE_WIDTH,
)

# The cameras of docs/protocol.md; the signs of yaw and roll are not known there, and taken as our
# own renderer takes them: to the left, and clockwise.
FRAME: Final = (IMAGE_HEIGHT, IMAGE_WIDTH, 3)
PITCH_RAD: Final = math.radians(-CAMERA_PITCH_DOWN_DEG)
YAW_RAD: Final = math.radians(CAMERA_YAW_LEFT_DEG)
ROLL_RAD: Final = math.radians(CAMERA_ROLL_CLOCKWISE_DEG)
LEFT_M: Final = tuple(CAMERA_LEFT_M[name] for name in CAMERA_NAMES)
"""Of the centre, left and right camera."""

Picture = NDArray[np.uint8]
Floats = NDArray[np.float64]


class Lens:
    """Warps recorded pictures; what is the same for all of them is computed once.

    Args:
        ahead_m: of the cameras, from the point of the car whose offset and heading are given.
        shape: of the pictures: FRAME as recorded, or (128, 128, 3) as stores keep them, squeezed.
    """

    def __init__(
        self, ahead_m: float = CAMERA_AHEAD_OF_REAR_AXLE_M, shape: tuple[int, int, int] = FRAME
    ) -> None:
        self._ahead_m = ahead_m
        self._shape = shape
        high, wide, _ = shape
        # The middle of the picture is between the two middle pixels.
        middle = (wide - 1) / 2, (high - 1) / 2
        across, down = FOCAL_PX * wide / FRAME[1], FOCAL_PX * high / FRAME[0]
        inner = np.array([[across, 0.0, middle[0]], [0.0, down, middle[1]], [0.0, 0.0, 1.0]])
        turned = attitude()
        self._project = inner @ turned.T
        x, y = np.meshgrid(np.arange(wide), np.arange(high))
        pixels = np.stack([x.ravel(), y.ravel(), np.ones(x.size)])
        rays = turned @ np.linalg.inv(inner) @ pixels
        nearness = np.maximum(0.0, -rays[2]) / CAMERA_HEIGHT_M
        self._rays = np.vstack([rays, nearness]).astype(np.float32)
        self.ground: NDArray[np.bool_] = (rays[2] < 0).reshape(high, wide)
        """(height, width): where the view shows the ground, as far as it is level."""

    def nearest(self, cameras: int, left_m: float, heading_rad: float) -> int:
        """Return which of the first `cameras` (centre, left, right) is the nearest to the view."""
        wanted_m = self._moved(left_m, heading_rad)[1]
        return min(range(cameras), key=lambda camera: abs(LEFT_M[camera] - wanted_m))

    def view(self, picture: Picture, camera: int, left_m: float, heading_rad: float) -> Picture:
        """Return what the centre camera would have seen from a car that is beside the recorded one.

        Args:
            picture: as the recorded car's camera saw it.
            camera: that took it: 0 centre, 1 left, 2 right.
            left_m: of the car from the recorded one, positive to the left.
            heading_rad: of the car, against the recorded one's, positive to the left.

        Returns:
            One of the same shape; what the camera did not see is filled from the picture's edge.

        Raises:
            FrameError: the picture is none of the simulator's.
        """
        if picture.shape != self._shape:
            raise FrameError(
                "this is no frame of the simulator's cameras, so nothing is known of its lens",
                got=f"{picture.shape}",
                remedy=f"It must be {self._shape}: rows, columns, colours",
            )
        move = self._moved(left_m, heading_rad) - (self._ahead_m, LEFT_M[camera], 0.0)
        if not move.any() and heading_rad == 0:
            return picture
        both = np.column_stack([self._project @ yawed(heading_rad), self._project @ move])
        x, y, depth = both.astype(np.float32) @ self._rays
        # Rays that leave the recorded camera's half of the world: turned away beyond its edge.
        depth = np.maximum(depth, np.float32(1e-3))
        seen = cv2.remap(
            picture,
            (x / depth).reshape(self._shape[:2]),
            (y / depth).reshape(self._shape[:2]),
            cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REPLICATE,
        )
        return np.asarray(seen, dtype=np.uint8)

    def _moved(self, left_m: float, heading_rad: float) -> Floats:
        """Return where the view's camera is, (3,) m ahead, left and up of the recorded car."""
        ahead_m = self._ahead_m * math.cos(heading_rad)
        return np.array([ahead_m, self._ahead_m * math.sin(heading_rad) + left_m, 0.0])


def yawed(heading_rad: float) -> Floats:
    """Return the rotation (3, 3) by a heading, in axes ahead, left and up."""
    turn, rest = math.sin(heading_rad), math.cos(heading_rad)
    return np.array([[rest, -turn, 0.0], [turn, rest, 0.0], [0.0, 0.0, 1.0]])


def attitude(
    yaw_rad: float = YAW_RAD, pitch_rad: float = PITCH_RAD, roll_rad: float = ROLL_RAD
) -> Floats:
    """Return the rotation (3, 3) from the picture's axes to the car's.

    The picture's are right, down and into it; the car's are ahead, left and up. The camera is
    rolled first, clockwise as it looks, then pitched, positive upwards, then turned, positive to
    the left.
    """
    upright = np.array([[0.0, 0.0, 1.0], [-1.0, 0.0, 0.0], [0.0, -1.0, 0.0]])
    rise, rest = math.sin(pitch_rad), math.cos(pitch_rad)
    pitched = np.array([[rest, 0.0, -rise], [0.0, 1.0, 0.0], [rise, 0.0, rest]])
    lean, level = math.sin(roll_rad), math.cos(roll_rad)
    rolled = np.array([[1.0, 0.0, 0.0], [0.0, level, -lean], [0.0, lean, level]])
    return np.asarray(yawed(yaw_rad) @ pitched @ rolled @ upright)
