"""Fits height, pitch and roll of the cameras to images that three of them took at one moment.

The cameras stand beside each other at known distances. So a pixel of the centre's image, if it
shows level ground, has a known place in a side camera's image, which depends on the height, pitch
and roll alone: the homography of a plane (Hartley and Zisserman 2004, Multiple View Geometry in
Computer Vision, section 13.1). The fit seeks those three with which the brightness of both images
agrees best on the road: direct alignment by Gauss and Newton's method, from blurred images to sharp
ones (Lucas and Kanade 1981), with Cauchy's weights against what does not lie on the ground.

Yaw and focal length are not fitted: images of one moment hardly tell them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from contract.errors import RecordingError
from contract.vehicle import CAMERA_LEFT_M, CAMERA_NAMES, IMAGE_HEIGHT, IMAGE_WIDTH
from simulator.calibration.moments import Moment, Picture
from simulator.rendering.scene_preset import CameraPose

NAMES: Final = ("height_m", "pitch_down_deg", "roll_counterclockwise_deg")
ROWS: Final = np.arange(72, 134)
"""Rows from 10 m ahead down to the hood."""
COLUMNS: Final = np.arange(20, 300, 2)
BLURS_PX: Final = (4.0, 2.0, 1.2)
STEPS: Final = np.array([0.01, 0.03, 0.05])
"""Changes of the three over which the images' changes are measured: metres and degrees."""
ITERATIONS: Final = 8
CONVERGED: Final = 0.02
"""Share of STEPS below which a correction ends the fit."""
OUTLIER_GREY: Final = 12.0
"""Difference in brightness at which a pixel has half its weight."""
MIN_PIXELS: Final = 500
MIN_MOMENTS: Final = 8
MIN_CORRELATION: Final = 0.6
"""Smallest mean correlation of aligned images. Real recordings have 0.9 and more."""
Z_95: Final = 1.96

Floats = NDArray[np.float64]
Grey = NDArray[np.float32]


@dataclass(frozen=True)
class CameraFit:
    """Estimated pose of the cameras."""

    pose: CameraPose
    """Estimates of height, pitch and roll; yaw and focal length are those of the start."""
    margins: dict[str, float]
    """Half of the 95 % interval of each of NAMES, for the spread from moment to moment."""
    moments: int
    correlation: float
    """Mean correlation of the aligned images on the road."""

    def document(self) -> dict[str, Any]:
        """Return the estimates with their intervals, for a JSON document."""
        return {
            **{
                name: {"estimate": getattr(self.pose, name), "margin_95": self.margins[name]}
                for name in NAMES
            },
            "moments": self.moments,
            "correlation": self.correlation,
        }


def fit_camera(moments: Sequence[Moment], start: CameraPose | None = None) -> CameraFit:
    """Return the pose of the cameras that explains images of several moments best.

    Args:
        moments: Images of the centre, left and right camera.
        start: Pose from which the search begins; None is that of Unity's prefab.

    Raises:
        RecordingError: There are too few moments, or their images cannot be aligned.
    """
    if len(moments) < MIN_MOMENTS:
        raise RecordingError(
            "the recordings have too few moments for a calibration",
            got=len(moments),
            remedy=f"Name recordings with at least {MIN_MOMENTS} moments of straight driving",
        )
    start = start or CameraPose()
    values = np.array([getattr(start, name) for name in NAMES])
    correlations: list[float] = []
    for blur_px in BLURS_PX:
        blurred = [tuple(_blur(image, blur_px) for image in moment) for moment in moments]
        for _ in range(ITERATIONS):
            normals = [_linearize(moment, values, start) for moment in blurred]
            hessian = np.sum([each[0] for each in normals], axis=0)
            gradients = np.array([each[1] for each in normals])
            correlations = [each[2] for each in normals]
            if np.linalg.cond(hessian) > 1e12:
                raise _unaligned("the images have no texture on the road")
            change = -np.linalg.solve(hessian, gradients.sum(axis=0))
            values = values + change
            if not (0.3 < values[0] < 5 and 0 < values[1] < 40 and abs(values[2]) < 20):
                raise _unaligned(f"height {values[0]:.2f} m, pitch {values[1]:.1f}°")
            if np.abs(change / STEPS).max() < CONVERGED:
                break
    correlation = float(np.mean(correlations))
    if correlation < MIN_CORRELATION or np.abs(change / STEPS).max() > 1:
        raise _unaligned(f"a correlation of {correlation:.2f}")
    # The moments are independent, their pixels are not: the sandwich of the moments' gradients.
    inverse = np.linalg.inv(hessian)
    spread = inverse @ (gradients.T @ gradients) @ inverse
    margins = Z_95 * np.sqrt(np.diag(spread))
    return CameraFit(
        pose=_pose(values, start),
        margins={name: float(margin) for name, margin in zip(NAMES, margins, strict=True)},
        moments=len(moments),
        correlation=correlation,
    )


def _blur(image: Picture, blur_px: float) -> Grey:
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY).astype(np.float32)
    return np.asarray(cv2.GaussianBlur(grey, (0, 0), blur_px), dtype=np.float32)


def _unaligned(found: str) -> RecordingError:
    return RecordingError(
        "the images of the three cameras cannot be aligned on level ground",
        got=found,
        remedy="Name a recording of Udacity's simulator or of `lapwing sim record` on a level road",
    )


def _pose(values: Floats, start: CameraPose) -> CameraPose:
    height_m, pitch_deg, roll_deg = values.tolist()
    return CameraPose(start.yaw_right_deg, pitch_deg, roll_deg, height_m, start.focal_px)


def _linearize(
    moment: tuple[Grey, ...], values: Floats, start: CameraPose
) -> tuple[Floats, Floats, float]:
    """Return the normal equations of one moment, (3, 3) and (3,), and the mean correlation."""
    hessian, gradient, correlations = np.zeros((3, 3)), np.zeros(3), []
    wanted = moment[0][np.ix_(ROWS, COLUMNS)].ravel()
    for name, image in zip(CAMERA_NAMES[1:], moment[1:], strict=True):
        left_m = CAMERA_LEFT_M[name]
        found, seen = _look_up(image, _pose(values, start), left_m)
        slopes = []
        for number, step in enumerate(STEPS):
            moved = np.zeros(3)
            moved[number] = step
            more, more_seen = _look_up(image, _pose(values + moved, start), left_m)
            less, less_seen = _look_up(image, _pose(values - moved, start), left_m)
            seen = seen & more_seen & less_seen
            slopes.append((more - less) / (2 * step))
        if seen.sum() < MIN_PIXELS:
            continue
        difference = (found - wanted)[seen]
        slope = np.column_stack(slopes)[seen]
        # The cameras' brightness may differ as a whole.
        difference, slope = difference - difference.mean(), slope - slope.mean(axis=0)
        weight = 1 / (1 + (difference / OUTLIER_GREY) ** 2)
        hessian += (slope * weight[:, None]).T @ slope
        gradient += (slope * weight[:, None]).T @ difference
        if found[seen].std() > 0 and wanted[seen].std() > 0:
            correlations.append(float(np.corrcoef(found[seen], wanted[seen])[0, 1]))
    return hessian, gradient, float(np.mean(correlations)) if correlations else 0.0


def _look_up(image: Grey, pose: CameraPose, left_m: float) -> tuple[Floats, NDArray[np.bool_]]:
    """Return what a camera beside the centre shows where the centre's pixels meet the ground.

    Args:
        image: Image of the camera, (160, 320).
        pose: Pose of both cameras.
        left_m: Distance of the camera to the left of the centre one.

    Returns:
        Brightness of each pixel, (P,), and whether the camera sees it.
    """
    columns, rows = np.meshgrid(COLUMNS, ROWS)
    middle = (IMAGE_WIDTH - 1) / 2, (IMAGE_HEIGHT - 1) / 2
    focal = pose.focal_px
    pixels = np.stack([columns.ravel() - middle[0], rows.ravel() - middle[1]]) / focal
    rays = camera_rotation(pose) @ np.vstack([pixels, np.ones(pixels.shape[1])])
    ground = rays * (pose.height_m / np.maximum(rays[1], 1e-3))
    right, down, ahead = camera_rotation(pose).T @ (ground + np.array([[left_m], [0.0], [0.0]]))
    x = (focal * right / ahead + middle[0]).astype(np.float32)
    y = (focal * down / ahead + middle[1]).astype(np.float32)
    seen = (x > 2) & (x < IMAGE_WIDTH - 3) & (y > 60) & (y < ROWS[-1]) & (rays[1] > 0.01)
    size = len(ROWS), len(COLUMNS)
    found = cv2.remap(image, x.reshape(size), y.reshape(size), cv2.INTER_LINEAR)
    return found.ravel().astype(np.float64), seen


def camera_rotation(pose: CameraPose) -> Floats:
    """Return the rotation, (3, 3), from a camera's axes to the car's: right, down and ahead."""
    yaw, pitch, roll = (
        math.radians(angle)
        for angle in (pose.yaw_right_deg, pose.pitch_down_deg, pose.roll_counterclockwise_deg)
    )
    turn = [[math.cos(yaw), 0, math.sin(yaw)], [0, 1, 0], [-math.sin(yaw), 0, math.cos(yaw)]]
    look = [
        [1, 0, 0],
        [0, math.cos(pitch), math.sin(pitch)],
        [0, -math.sin(pitch), math.cos(pitch)],
    ]
    lean = [[math.cos(roll), math.sin(roll), 0], [-math.sin(roll), math.cos(roll), 0], [0, 0, 1]]
    return np.asarray(np.array(turn) @ np.array(look) @ np.array(lean), dtype=np.float64)
