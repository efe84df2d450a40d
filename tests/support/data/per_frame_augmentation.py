"""The first version of augmentation: each sample alone, with OpenCV's own transformation.

It is what the batched code is compared with. OpenCV moves the view by the transformation's matrix,
changes levels by its own table, and draws the shadow's polygon.
"""

from __future__ import annotations

import math
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from contract.vehicle import (
    CAMERA_HEIGHT_M,
    CAMERA_PITCH_DOWN_DEG,
    FOCAL_PX,
    IMAGE_HEIGHT,
    IMAGE_WIDTH,
)
from trainer.data.augmentation.recovery import recovery_steering
from trainer.data.augmentation.variation import Augmentation

Floats = npt.NDArray[np.float64]
Frames = npt.NDArray[np.uint8]
Keys = npt.NDArray[np.uint64]
Records = npt.NDArray[np.void]

SIDE: Final = 128
# The simulator's camera, with its image squeezed to 128 x 128.
FOCAL_X: Final = FOCAL_PX * SIDE / IMAGE_WIDTH
FOCAL_Y: Final = FOCAL_PX * SIDE / IMAGE_HEIGHT
PITCH_RAD: Final = math.radians(CAMERA_PITCH_DOWN_DEG)
HORIZON: Final = SIDE / 2 - FOCAL_Y * math.tan(PITCH_RAD)
SHADE: Final = (0.35, 0.75)
"""Range of the share of light that is left in a shadow."""
GOLDEN: Final = np.uint64(0x9E3779B97F4A7C15)
"""The increment of SplitMix64: 2**64 divided by the golden ratio."""


def apply(options: Augmentation, records: Records, frames: Frames) -> None:
    """Vary the samples that have a key in place, one after another, and correct their labels.

    Args:
        options: how much they are varied.
        records: (n,), with key, label (-1..1) and speed_mps.
        frames: uint8 (n, 128, 128, 3).
    """
    numbers = np.flatnonzero(records["key"])
    if not len(numbers):
        return
    draws = random_draws(records["key"][numbers], 10)
    signed = 2 * draws[:, :4] - 1
    # Which steering leads back depends on the speed: where it is not known, the view stays.
    speed_mps = records["speed_mps"][numbers]
    known = np.isfinite(speed_mps)
    left_m = options.shift_m * signed[:, 0] * known
    left_rad = math.radians(options.turn_deg) * signed[:, 1] * known
    gain, lift = 1 + options.brightness * signed[:, 2], 64 * options.brightness * signed[:, 3]
    shaded, blurred = draws[:, 4] < options.shadow, draws[:, 5] < options.blur
    if options.shift_m or options.turn_deg:
        records["label"][numbers] = recovery_steering(
            records["label"][numbers],
            left_m,
            left_rad,
            np.where(known, speed_mps, 0.0),
            options.recovery_time_s,
        )
    for index, number in enumerate(numbers.tolist()):
        frame = frames[number]
        if options.shift_m or options.turn_deg:
            frame[:] = warp_view(frame, float(left_m[index]), float(left_rad[index]))
        if options.brightness:
            cv2.LUT(frame, brightness_table(float(gain[index]), float(lift[index])), dst=frame)
        if shaded[index]:
            cast_shadow(frame, *draws[index, 6:].tolist())
        if blurred[index]:
            cv2.blur(frame, (3, 3), dst=frame)


def random_draws(keys: Keys, count: int) -> Floats:
    """Return (n, count) numbers, 0 <= x < 1; each row depends only on its key."""
    steps = np.arange(1, count + 1, dtype=np.uint64) * GOLDEN
    return np.asarray((_mix(keys[:, None] + steps) >> np.uint64(11)) / 2.0**53)


def _mix(values: Keys) -> Keys:
    """Apply the output function of SplitMix64 (Steele, Lea, Flood 2014) to each value."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(values ^ (values >> np.uint64(31)))


def warp_view(frame: Frames, left_m: float, left_rad: float) -> Frames:
    """Return what a camera beside the recorded one would have seen."""
    shear = left_m * FOCAL_X * math.cos(PITCH_RAD) / (FOCAL_Y * CAMERA_HEIGHT_M)
    turn = FOCAL_X * math.tan(left_rad)
    # The matrix leads from each new pixel to its source: what moves right came from the left.
    inverse = np.array([[1.0, -shear, shear * HORIZON - turn], [0.0, 1.0, 0.0]])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    moved = cv2.warpAffine(
        frame, inverse, (SIDE, SIDE), flags=flags, borderMode=cv2.BORDER_REPLICATE
    )
    return np.asarray(moved, dtype=np.uint8)


def brightness_table(gain: float, lift: float) -> npt.NDArray[np.uint8]:
    """Return the new value of each of 256 levels: contrast around the middle, then brightness."""
    levels = (np.arange(256) - 128) * gain + 128 + lift
    return np.asarray(levels.clip(0, 255).round(), dtype=np.uint8)


def cast_shadow(frame: Frames, position: float, slope: float, depth: float, side: float) -> None:
    """Darken one side of a line across a frame, in place; the numbers are 0 <= x < 1."""
    middle, lean = position * SIDE, (2 * slope - 1) * SIDE
    top, bottom = round(middle - lean / 2), round(middle + lean / 2)
    edge = 0 if side < 0.5 else SIDE
    outline = np.array([(top, 0), (bottom, SIDE), (edge, SIDE), (edge, 0)], dtype=np.int32)
    mask = np.zeros((SIDE, SIDE), dtype=np.uint8)
    cv2.fillPoly(mask, [outline], 255)
    dark = cv2.convertScaleAbs(frame, alpha=SHADE[0] + depth * (SHADE[1] - SHADE[0]))
    cv2.copyTo(dark, mask, frame)
