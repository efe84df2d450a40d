"""Warps a recorded image to the view from another pose over level ground.

Every pixel of the new view is a ray. A ray below the horizon meets the ground. The recorded image
shows that point of the ground at another pixel: this is the homography of a plane. A ray above the
horizon meets things that are far away, which move only when the camera turns: this is the
homography of the plane at infinity. Source: Hartley and Zisserman 2004, Multiple View Geometry in
Computer Vision, section 13.1. Bojarski et al. 2016 (DAVE-2), arXiv 1604.07316, section 2, do the
same: points below the horizon count as on flat ground, and those above it as infinitely far away.

Let d be the ray in the car's axes, h the height of the cameras and m the move between them. A point
of the ground lies at t d with t = h / -d_z from the one camera, and in the direction of d + m / t
from the other. So one formula serves both halves of the image, d + m max(0, -d_z) / h, and they
join at the horizon without a seam. Things that stand on the ground lean, as they do in NVIDIA's
work.
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
    CAMERA_LEFT_M,
    CAMERA_NAMES,
    IMAGE_HEIGHT,
    IMAGE_WIDTH,
)
from simulator.calibration import camera_fit
from simulator.rendering.scene_preset import CameraPose

FRAME: Final = (IMAGE_HEIGHT, IMAGE_WIDTH, 3)
PREFAB: Final = CameraPose()
FROM_RIGHT_DOWN_AHEAD: Final = np.array([[0.0, 0.0, 1.0], [-1.0, 0.0, 0.0], [0.0, -1.0, 0.0]])
"""Rotation from the axes right, down and ahead to ahead, left and up."""
LEFT_M: Final = tuple(CAMERA_LEFT_M[name] for name in CAMERA_NAMES)
"""Lateral position of the centre, left and right camera, positive to the left."""

Image = NDArray[np.uint8]
Floats = NDArray[np.float64]


class ViewWarp:
    """Warps recorded images; the rays, which are the same for all images, are computed once.

    Args:
        ahead_m: distance of the cameras ahead of the point of the car whose offset and heading are
            given.
        shape: shape of the images: FRAME as recorded, or (128, 128, 3) as stores keep them,
            resized without keeping the aspect ratio.
        pose: how the cameras stand; the default is how Unity's prefab and our simulator place them.
            lens/recorded_pose.py measures how those of a recording do.
    """

    def __init__(
        self,
        ahead_m: float = CAMERA_AHEAD_OF_REAR_AXLE_M,
        shape: tuple[int, int, int] = FRAME,
        pose: CameraPose = PREFAB,
    ) -> None:
        self._ahead_m = ahead_m
        self._shape = shape
        height, width, _ = shape
        to_car, intrinsics = camera_rotation(pose), camera_intrinsics(pose, shape)
        self._project = intrinsics @ to_car.T
        x, y = np.meshgrid(np.arange(width), np.arange(height))
        pixels = np.stack([x.ravel(), y.ravel(), np.ones(x.size)])
        rays = to_car @ np.linalg.inv(intrinsics) @ pixels
        nearness = np.maximum(0.0, -rays[2]) / pose.height_m
        self._rays = np.vstack([rays, nearness]).astype(np.float32)
        self.ground: NDArray[np.bool_] = (rays[2] < 0).reshape(height, width)
        """Mask of the pixels below the horizon, shape (height, width): level ground is there."""

    def nearest_camera(self, camera_count: int, left_m: float, heading_rad: float) -> int:
        """Return the number of the camera, of the first `camera_count`, nearest to the view."""
        view_left_m = self._camera_position(left_m, heading_rad)[1]
        return min(range(camera_count), key=lambda camera: abs(LEFT_M[camera] - view_left_m))

    def warp(self, image: Image, camera: int, left_m: float, heading_rad: float) -> Image:
        """Return the image that the centre camera of a car beside the recorded one would take.

        Args:
            image: image that a camera of the recorded car took.
            camera: number of that camera: 0 centre, 1 left, 2 right.
            left_m: offset of the car from the recorded one, positive to the left.
            heading_rad: heading of the car relative to the recorded one's, positive to the left.

        Returns:
            An image of the same shape. Pixels that the camera did not see are filled from the
            nearest edge of the recorded image.

        Raises:
            FrameError: the image does not have the shape of the simulator's images.
        """
        if image.shape != self._shape:
            raise FrameError(
                "this image is not from the simulator's cameras, whose geometry is needed",
                got=f"{image.shape}",
                remedy=f"Its shape must be {self._shape}: rows, columns, colours",
            )
        move = self._camera_position(left_m, heading_rad) - (self._ahead_m, LEFT_M[camera], 0.0)
        if not move.any() and heading_rad == 0:
            return image
        directions = np.column_stack(
            [self._project @ yaw_rotation(heading_rad), self._project @ move]
        )
        x, y, depth = directions.astype(np.float32) @ self._rays
        # Rays that point behind the recorded camera are mapped far beyond the image's edge.
        depth = np.maximum(depth, np.float32(1e-3))
        warped = cv2.remap(
            image,
            (x / depth).reshape(self._shape[:2]),
            (y / depth).reshape(self._shape[:2]),
            cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REPLICATE,
        )
        return np.asarray(warped, dtype=np.uint8)

    def _camera_position(self, left_m: float, heading_rad: float) -> Floats:
        """Return the camera's position, (3,) m ahead, left and up of the recorded car."""
        ahead_m = self._ahead_m * math.cos(heading_rad)
        return np.array([ahead_m, self._ahead_m * math.sin(heading_rad) + left_m, 0.0])


def yaw_rotation(heading_rad: float) -> Floats:
    """Return the rotation, shape (3, 3), by a heading in the axes ahead, left and up."""
    turn, rest = math.sin(heading_rad), math.cos(heading_rad)
    return np.array([[rest, -turn, 0.0], [turn, rest, 0.0], [0.0, 0.0, 1.0]])


def camera_intrinsics(pose: CameraPose, shape: tuple[int, int, int] = FRAME) -> Floats:
    """Return the matrix, shape (3, 3), from the image's axes to pixels of an image of this shape.

    An image of another shape than FRAME shows the same, resized.
    """
    height, width, _ = shape
    focal_x, focal_y = pose.focal_px * width / FRAME[1], pose.focal_px * height / FRAME[0]
    # The middle of the image is between the two middle pixels.
    middle = (width - 1) / 2, (height - 1) / 2
    return np.array([[focal_x, 0.0, middle[0]], [0.0, focal_y, middle[1]], [0.0, 0.0, 1.0]])


def camera_rotation(pose: CameraPose = PREFAB) -> Floats:
    """Return the rotation, shape (3, 3), from the image's axes to the car's.

    The image's axes are right, down and into the image; the car's are ahead, left and up. The
    camera is rolled first, then pitched, then turned.
    """
    return np.asarray(FROM_RIGHT_DOWN_AHEAD @ camera_fit.camera_rotation(pose))
