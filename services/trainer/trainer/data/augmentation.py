"""Variations of what was recorded: light, shadows, another place on the road, blur.

Each sample's chance comes from a key of its own, made of the seed, the epoch and the sample's
number: the same job varies the same sample in the same way whoever reads it and when.

The view from another place. On flat ground a camera that stands y to the left, and looks psi to the
left, of where it was sees each row of the ground moved by a x (row - horizon) + b pixels, a =
y f_x cos(pitch) / (f_y height), b = f_x psi: for small angles, and for what lies below the horizon,
which is all that the network is shown (it crops the rest).

The steering from there is the one that leads back: recovery.py.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
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
from trainer.data.recovery import corrected

Floats = npt.NDArray[np.float64]
Frames = npt.NDArray[np.uint8]
Keys = npt.NDArray[np.uint64]
Records = npt.NDArray[np.void]

SIDE: Final = 128
# The camera of docs/protocol.md, its 320 x 160 pixels squeezed into 128 x 128.
FOCAL_X: Final = FOCAL_PX * SIDE / IMAGE_WIDTH
FOCAL_Y: Final = FOCAL_PX * SIDE / IMAGE_HEIGHT
PITCH_RAD: Final = math.radians(CAMERA_PITCH_DOWN_DEG)
HORIZON: Final = SIDE / 2 - FOCAL_Y * math.tan(PITCH_RAD)
SHADE: Final = (0.35, 0.75)
"""Of the light that is left in a shadow."""
GOLDEN: Final = np.uint64(0x9E3779B97F4A7C15)


@dataclass(frozen=True)
class Augmentation:
    """How much is varied; 0 leaves it alone."""

    light: float = 0.0
    """Brightness and contrast are changed by up to this share, 0..0.9."""
    shadow: float = 0.0
    """Share of the samples across which a shadow falls, 0..1."""
    blur: float = 0.0
    """Share of the samples that are blurred, 0..1."""
    shift_m: float = 0.0
    """The camera is moved sideways by up to so much, and the label corrected."""
    turn_deg: float = 0.0
    """The camera is turned by up to so much, and the label corrected."""
    back_s: float = 2.0
    """The time within which a corrected label leads back."""

    @property
    def varies(self) -> bool:
        """Whether anything is to be done."""
        return any((self.light, self.shadow, self.blur, self.shift_m, self.turn_deg))

    def apply(self, records: Records, frames: Frames) -> None:
        """Vary, in place, the samples that have a key, and the labels of those that are moved.

        Args:
            records: (n,), with key, label (-1..1) and speed_mps.
            frames: uint8 (n, 128, 128, 3).
        """
        mine = np.flatnonzero(records["key"])
        if not (self.varies and len(mine)):
            return
        chance = chances(records["key"][mine], 10)
        moved = 2 * chance[:, :4] - 1
        y, psi = self.shift_m * moved[:, 0], math.radians(self.turn_deg) * moved[:, 1]
        gain, lift = 1 + self.light * moved[:, 2], 64 * self.light * moved[:, 3]
        shaded, blurred = chance[:, 4] < self.shadow, chance[:, 5] < self.blur
        if self.shift_m or self.turn_deg:
            records["label"][mine] = corrected(
                records["label"][mine], y, psi, records["speed_mps"][mine], self.back_s
            )
        for each, number in enumerate(mine.tolist()):
            frame = frames[number]
            if self.shift_m or self.turn_deg:
                frame[:] = moved_view(frame, float(y[each]), float(psi[each]))
            if self.light:
                cv2.LUT(frame, lookup(float(gain[each]), float(lift[each])), dst=frame)
            if shaded[each]:
                shadow(frame, *chance[each, 6:].tolist())
            if blurred[each]:
                cv2.blur(frame, (3, 3), dst=frame)


def keys(seed: int, epoch: int, numbers: npt.NDArray[np.int64]) -> Keys:
    """Return (n,) keys, never 0, of samples in an epoch."""
    start = _mixed(_mixed(np.array([seed], np.uint64)) + np.uint64(epoch))
    return np.asarray(_mixed(start + numbers.astype(np.uint64) * GOLDEN) | np.uint64(1))


def chances(of: Keys, count: int) -> Floats:
    """Return (n, count) numbers, 0 <= x < 1, that depend on each key alone."""
    steps = np.arange(1, count + 1, dtype=np.uint64) * GOLDEN
    return np.asarray((_mixed(of[:, None] + steps) >> np.uint64(11)) / 2.0**53)


def _mixed(values: Keys) -> Keys:
    """Return SplitMix64's output function (Steele, Lea, Flood 2014) of each value."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(values ^ (values >> np.uint64(31)))


def moved_view(frame: Frames, left_m: float, left_rad: float) -> Frames:
    """Return what a camera would have seen from a place beside the recorded one."""
    shear = left_m * FOCAL_X * math.cos(PITCH_RAD) / (FOCAL_Y * CAMERA_HEIGHT_M)
    turn = FOCAL_X * math.tan(left_rad)
    # Where each new pixel comes from: what moves to the right was further left.
    back = np.array([[1.0, -shear, shear * HORIZON - turn], [0.0, 1.0, 0.0]])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    moved = cv2.warpAffine(frame, back, (SIDE, SIDE), flags=flags, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(moved, dtype=np.uint8)


def lookup(gain: float, lift: float) -> npt.NDArray[np.uint8]:
    """Return what each of 256 levels becomes: contrast around the middle, then brightness."""
    levels = (np.arange(256) - 128) * gain + 128 + lift
    return np.asarray(levels.clip(0, 255).round(), dtype=np.uint8)


def shadow(frame: Frames, place: float, slope: float, depth: float, side: float) -> None:
    """Darken one side of a line across a frame, in place; all four chosen by 0 <= x < 1."""
    middle, lean = place * SIDE, (2 * slope - 1) * SIDE
    top, bottom = round(middle - lean / 2), round(middle + lean / 2)
    edge = 0 if side < 0.5 else SIDE
    outline = np.array([(top, 0), (bottom, SIDE), (edge, SIDE), (edge, 0)], dtype=np.int32)
    mask = np.zeros((SIDE, SIDE), dtype=np.uint8)
    cv2.fillPoly(mask, [outline], 255)
    dark = cv2.convertScaleAbs(frame, alpha=SHADE[0] + depth * (SHADE[1] - SHADE[0]))
    cv2.copyTo(dark, mask, frame)
