"""Computes where the road's edges lie in the simulator's pictures, to compare saliency with them.

A line that follows the road is projected with the renderer's own camera (`rendering/camera.py`)
into the frame of 128 x 128 pixels that a network sees.
"""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from contract.frames import spec
from contract.vehicle import (
    CAMERA_AHEAD_M,
    CAMERA_HEIGHT_M,
    FOCAL_PX,
    IMAGE_HEIGHT,
    IMAGE_WIDTH,
)
from evaluator.offline import view_warp
from simulator.rendering.ribbons import offset_line
from simulator.track.geometry import Pose, Track

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

AHEAD_M = 60.0
"""The road is followed this far. There its 8 m are 18 of the 320 pixels of a row."""
NEAR_M = 0.5
SHIFT = 4
"""Number of fractional bits of OpenCV's coordinates."""


def project(points: Floats, pose: Pose) -> tuple[Floats, Floats]:
    """Return where points (n, 3) of the world lie in the centre camera's frame.

    Returns:
        Columns and rows (n, 2) in pixels of the frame, 0 at the middle of the first; and the depth
        (n,) in metres, negative behind the camera.
    """
    turn, rise = pose.heading_rad, pose.pitch_rad
    east, north, up = (points - (pose.x_m, pose.y_m, pose.z_m)).T
    ahead = east * math.cos(turn) + north * math.sin(turn)
    left = north * math.cos(turn) - east * math.sin(turn)
    along = ahead * math.cos(rise) + up * math.sin(rise)
    above = up * math.cos(rise) - ahead * math.sin(rise)
    seen = (
        np.column_stack([along - CAMERA_AHEAD_M, left, above - CAMERA_HEIGHT_M])
        @ view_warp.camera_rotation()
    )
    depth = seen[:, 2]
    with np.errstate(divide="ignore", invalid="ignore"):
        across = FOCAL_PX * seen[:, :2] / depth[:, None]
    whole = across + np.array([(IMAGE_WIDTH - 1) / 2, (IMAGE_HEIGHT - 1) / 2])
    shrunk = (spec.WIDTH / IMAGE_WIDTH, spec.HEIGHT / IMAGE_HEIGHT)
    return (whole + 0.5) * shrunk - 0.5, depth


def ahead(track: Track, station_m: float, direction: int, reach_m: float = AHEAD_M) -> list[int]:
    """Return the numbers of the track's points from a station on, in the direction of travel."""
    first, count = round(station_m / track.step_m), round(reach_m / track.step_m)
    numbers = first + direction * np.arange(-2, count)
    return [int(each) for each in numbers % len(track.points)]


def visible(track: Track, numbers: list[int], pose: Pose) -> list[int]:
    """Return the numbers of the points up to the first crest, behind which the road is hidden."""
    spots, depth = project(track.points[numbers], pose)
    highest, kept = math.inf, []
    for number, row, far in zip(numbers, spots[:, 1], depth, strict=True):
        if far > NEAR_M and row > highest + 0.25:
            break
        highest = min(highest, row) if far > NEAR_M else highest
        kept.append(number)
    return kept


def strip(track: Track, numbers: list[int], pose: Pose, from_m: Floats, to_m: Floats) -> Mask:
    """Return the pixels (128, 128) of the strip between two offsets from the centre line."""
    edges = [project(offset_line(track, each)[numbers], pose) for each in (from_m, to_m)]
    mask = np.zeros((spec.HEIGHT, spec.WIDTH), np.uint8)
    (one, one_far), (other, other_far) = edges
    for k in range(len(numbers) - 1):
        if min(one_far[k : k + 2].min(), other_far[k : k + 2].min()) <= NEAR_M:
            continue
        corners = np.stack([one[k], one[k + 1], other[k + 1], other[k]])
        if np.abs(corners).max() > 4096:
            continue
        points = np.round(corners * (1 << SHIFT)).astype(np.int32)
        cv2.fillPoly(mask, [points], 1, lineType=cv2.LINE_8, shift=SHIFT)
    return mask.astype(bool)


def road(track: Track, station_m: float, direction: int, pose: Pose) -> Mask:
    """Return the pixels (128, 128) of the road's surface."""
    numbers = visible(track, ahead(track, station_m, direction), pose)
    half = track.width_m / 2
    return strip(track, numbers, pose, half, -half)


def grown(mask: Mask, pixels: int) -> Mask:
    """Return the pixels within a distance of the pixels of a mask."""
    if pixels <= 0:
        return mask
    size = 2 * pixels + 1
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))
    return cv2.dilate(mask.astype(np.uint8), disc).astype(bool)
