"""Measures by how far two images are shifted against each other sideways."""

from __future__ import annotations

import math
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from contract.vehicle import FOCAL_PX, IMAGE_HEIGHT, IMAGE_WIDTH

GreyBand = NDArray[np.float32]

HORIZON_ROWS: Final = (45, 70)
"""Rows around the horizon, which lies at 80 - 138.6·tan(9.5°) = 57.

The scene there is far away. It moves when the car turns, and hardly when the car drives on."""
ROAD_ROWS: Final = (70, 85)
"""Rows that show the road 6 to 12 m ahead.

From a camera to its neighbour, 0.8 m beside it, a point of flat ground in row y moves by
0.8·(y - 57)/1.2 pixels, which is 9 to 19 pixels in these rows."""


def crop_band(grey: NDArray[np.uint8], rows: tuple[int, int]) -> GreyBand | None:
    """Cut a band of rows, given for a height of 160, out of an image (H, W).

    The result is None unless the image is twice as wide as high. An image of other proportions was
    cropped or squeezed, so that the place of its horizon is unknown.
    """
    height, width = grey.shape
    if width != 2 * height or height < IMAGE_HEIGHT // 2:
        return None
    return _crop(grey, rows)


def crop_squeezed_band(grey: NDArray[np.uint8], rows: tuple[int, int]) -> GreyBand:
    """Cut a band of rows, given for a height of 160, out of an image squeezed from 320 x 160."""
    return _crop(grey, rows)


def _crop(grey: NDArray[np.uint8], rows: tuple[int, int]) -> GreyBand:
    first, end = (round(row * grey.shape[0] / IMAGE_HEIGHT) for row in rows)
    return grey[first:end].astype(np.float32)


def measure_shift(before: GreyBand | None, after: GreyBand | None) -> tuple[float, float]:
    """Return by how many pixels of an image 320 wide `after` lies to the right of `before`.

    The method is phase correlation (C. D. Kuglin, D. C. Hines, "The Phase Correlation Image
    Alignment Method", IEEE Conf. on Cybernetics and Society, 1975) under a Hann window.

    Returns:
        The shift, and the peak of the correlation, 0..1. They are NaN and 0 if the bands cannot be
        compared.
    """
    if before is None or after is None or before.shape != after.shape:
        return math.nan, 0.0
    window = cv2.createHanningWindow((before.shape[1], before.shape[0]), cv2.CV_32F)
    # OpenCV gets copies, because it applies the window in place for sizes that suit its Fourier
    # transform.
    (right, _), peak = cv2.phaseCorrelate(before.copy(), after.copy(), window)
    return right * IMAGE_WIDTH / before.shape[1], peak


def shift_to_yaw(shift_px: float) -> float:
    """Return the yaw to the right, in rad, that moves the horizon by `shift_px` pixels.

    The camera is taken as a pinhole camera.
    """
    return math.atan(-shift_px / FOCAL_PX)
