"""Draws how each sample of a batch is varied: light, shadows, blur, and the camera's position.

A sample's random numbers depend on a key of its own, made of the seed, the epoch and the sample's
number. So a job varies a sample in the same way whichever process or device does it, and when. This
module holds only numbers; other modules change the frames as it says.

Moved views. On flat ground, a camera that stands y to the left and looks psi to the left of the
recorded one sees each row of the ground moved by a x (row - horizon) + b pixels, where
a = y f_x cos(pitch) / (f_y height) and b = f_x psi. This holds for small angles and below the
horizon, which is all that the network is shown, since it crops the rest.

The label of a moved view is the steering that leads back onto the recorded path: recovery.py.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from contract.frames import spec
from contract.frames.row_range import ALL_ROWS, RowRange
from contract.vehicle import (
    CAMERA_HEIGHT_M,
    CAMERA_PITCH_DOWN_DEG,
    FOCAL_PX,
    IMAGE_HEIGHT,
    IMAGE_WIDTH,
)
from trainer.data.augmentation.recovery import recovery_steering

Bytes = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float64]
Keys = npt.NDArray[np.uint64]
Mask = npt.NDArray[np.bool_]
Numbers = npt.NDArray[np.int64]
Records = npt.NDArray[np.void]

# The simulator's camera, with its image squeezed to 128 x 128.
FOCAL_X: Final = FOCAL_PX * spec.WIDTH / IMAGE_WIDTH
FOCAL_Y: Final = FOCAL_PX * spec.HEIGHT / IMAGE_HEIGHT
PITCH_RAD: Final = math.radians(CAMERA_PITCH_DOWN_DEG)
HORIZON: Final = spec.HEIGHT / 2 - FOCAL_Y * math.tan(PITCH_RAD)
"""The row of the horizon, counted from the top of the whole frame."""
SHADE: Final = (0.35, 0.75)
"""Range of the share of light that is left in a shadow."""
LIFT: Final = 64.0
"""Levels, of 255, by which a brightness of 1 lifts or lowers a frame."""
GOLDEN: Final = np.uint64(0x9E3779B97F4A7C15)
"""The increment of SplitMix64: 2**64 divided by the golden ratio."""


@dataclass(frozen=True)
class Augmentation:
    """How much the samples are varied; 0 turns a variation off."""

    brightness: float = 0.0
    """Maximum share by which brightness and contrast change, 0..0.9."""
    shadow: float = 0.0
    """Share of the samples that a shadow is drawn across, 0..1."""
    blur: float = 0.0
    """Share of the samples that are blurred, 0..1."""
    shift_m: float = 0.0
    """Maximum distance by which the camera moves sideways; the label is corrected."""
    turn_deg: float = 0.0
    """Maximum angle by which the camera turns; the label is corrected."""
    recovery_time_s: float = 2.0
    """Time within which a corrected label leads back onto the path."""

    @property
    def moves_views(self) -> bool:
        """Whether views are moved, and labels corrected with them."""
        return bool(self.shift_m or self.turn_deg)

    @property
    def is_active(self) -> bool:
        """Whether any variation is on."""
        return any((self.brightness, self.shadow, self.blur, self.moves_views))


@dataclass(frozen=True, eq=False)
class Variations:
    """How each sample of a batch is varied; a sample without a key has values that change nothing.

    The steps are in this order: the view is moved, the levels are changed, a shadow is cast, and
    the frame is blurred.

    Args:
        label: float32 (n,), the steering, corrected where the view is moved.
        shear: (n,), columns by which a row moves to the right more than the row above it.
        turn: (n,), columns by which all rows move to the right.
        gain: (n,), by which the distance of a level from 128 is multiplied.
        lift: (n,), levels of 255 that are added after that.
        shaded: (n,), whether a shadow is cast.
        shadow_top: int64 (n,), the column in which the shadow's border meets row 0.
        shadow_bottom: int64 (n,), the column in which it meets row 128, below the last.
        shadow_left: (n,), whether the shadow lies to the left of its border.
        shadow_light: (n,), the share of light that is left in the shadow.
        blurred: (n,), whether the frame is blurred, by the mean of 3 x 3 pixels.
    """

    label: npt.NDArray[np.float32]
    shear: Floats
    turn: Floats
    gain: Floats
    lift: Floats
    shaded: Mask
    shadow_top: Numbers
    shadow_bottom: Numbers
    shadow_left: Mask
    shadow_light: Floats
    blurred: Mask

    def source_offsets(self, rows: RowRange = ALL_ROWS) -> Floats:
        """Return (n, rows), the offset of the column that each row's pixels are taken from.

        The pixel at column c of a row shows what the recorded frame has at column c plus the
        offset, between two pixels; beyond the sides of the frame its outermost pixels repeat.
        """
        below_horizon = np.arange(rows.first, rows.end) - HORIZON
        return np.asarray(-self.shear[:, None] * below_horizon - self.turn[:, None])

    def level_tables(self) -> Bytes:
        """Return uint8 (n, 256), the new value of each level: first contrast, then brightness."""
        levels = (np.arange(256) - 128) * self.gain[:, None] + 128 + self.lift[:, None]
        return levels.clip(0, 255).round().astype(np.uint8)

    def shadow_tables(self) -> Bytes:
        """Return uint8 (n, 256), the value of each level in the sample's shadow."""
        return (np.arange(256) * self.shadow_light[:, None]).round().astype(np.uint8)

    def shadow_widths(self, rows: RowRange = ALL_ROWS) -> Bytes:
        """Return uint8 (n, rows), the number of pixels of each row that lie in a shadow.

        They are counted from the left side of the frame if `shadow_left`, else from the right.
        """
        widths = np.zeros((len(self.shaded), spec.HEIGHT), np.uint8)
        canvas = np.empty((spec.HEIGHT, spec.WIDTH), np.uint8)
        for sample in np.flatnonzero(self.shaded).tolist():
            top, bottom = int(self.shadow_top[sample]), int(self.shadow_bottom[sample])
            edge = 0 if self.shadow_left[sample] else spec.WIDTH
            height = spec.HEIGHT
            outline = np.array([(top, 0), (bottom, height), (edge, height), (edge, 0)], np.int32)
            canvas[:] = 0
            cv2.fillPoly(canvas, [outline], 1)
            widths[sample] = canvas.sum(axis=1)
        return widths[:, rows.slice]


def draw(records: Records, augmentation: Augmentation) -> Variations:
    """Return how the samples of a batch are varied.

    Args:
        records: (n,), with key, label (-1..1) and speed_mps. A sample whose key is 0 is not varied;
            where the speed is NaN, the view is not moved.
        augmentation: how much they are varied.
    """
    varied = records["key"] != 0
    draws = random_draws(records["key"], 10)
    # Which steering leads back depends on the speed: where it is not known, the view stays.
    moved = varied & np.isfinite(records["speed_mps"])
    signed = 2 * draws[:, :4] - 1
    left_m = augmentation.shift_m * signed[:, 0] * moved
    left_rad = math.radians(augmentation.turn_deg) * signed[:, 1] * moved
    border, lean = draws[:, 6] * spec.WIDTH, (2 * draws[:, 7] - 1) * spec.WIDTH
    return Variations(
        label=_labels(records, augmentation, varied, moved, left_m, left_rad),
        shear=left_m * FOCAL_X * math.cos(PITCH_RAD) / (FOCAL_Y * CAMERA_HEIGHT_M),
        turn=FOCAL_X * np.tan(left_rad),
        gain=1 + augmentation.brightness * signed[:, 2] * varied,
        lift=LIFT * augmentation.brightness * signed[:, 3] * varied,
        shaded=varied & (draws[:, 4] < augmentation.shadow),
        shadow_top=np.rint(border - lean / 2).astype(np.int64),
        shadow_bottom=np.rint(border + lean / 2).astype(np.int64),
        shadow_left=draws[:, 9] < 0.5,
        shadow_light=SHADE[0] + draws[:, 8] * (SHADE[1] - SHADE[0]),
        blurred=varied & (draws[:, 5] < augmentation.blur),
    )


def _labels(
    records: Records,
    augmentation: Augmentation,
    varied: Mask,
    moved: Mask,
    left_m: Floats,
    left_rad: Floats,
) -> npt.NDArray[np.float32]:
    labels = np.array(records["label"], np.float32)
    if augmentation.moves_views:
        numbers = np.flatnonzero(varied)
        labels[numbers] = recovery_steering(
            labels[numbers],
            left_m[numbers],
            left_rad[numbers],
            np.where(moved, records["speed_mps"], 0.0)[numbers],
            augmentation.recovery_time_s,
        )
    return labels


def sample_keys(seed: int, epoch: int, numbers: Numbers) -> Keys:
    """Return the keys, (n,), of samples in an epoch; a key is never 0."""
    start = _mix(_mix(np.array([seed], np.uint64)) + np.uint64(epoch))
    return np.asarray(_mix(start + numbers.astype(np.uint64) * GOLDEN) | np.uint64(1))


def random_draws(keys: Keys, count: int) -> Floats:
    """Return (n, count) numbers, 0 <= x < 1; each row depends only on its key."""
    steps = np.arange(1, count + 1, dtype=np.uint64) * GOLDEN
    return np.asarray((_mix(keys[:, None] + steps) >> np.uint64(11)) / 2.0**53)


def _mix(values: Keys) -> Keys:
    """Apply the output function of SplitMix64 (Steele, Lea, Flood 2014) to each value."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(values ^ (values >> np.uint64(31)))
