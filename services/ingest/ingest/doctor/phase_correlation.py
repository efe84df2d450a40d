"""How far two pictures are shifted against each other, sideways."""

from __future__ import annotations

import math
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from contract.vehicle import FOCAL_PX

Grey = NDArray[np.float32]

SIZE: Final = (160, 320)
HORIZON: Final = (45, 70)
"""Rows around the horizon, which lies at 80 - 138.6·tan(9.5°) = 57: what is seen there is far away,
so that it moves by the car's turning and hardly by its driving on."""
ROAD: Final = (70, 85)
"""Rows of the road 6 to 12 m ahead: from a camera to its neighbour 0.8 m beside it a point of the
flat ground in row y moves by 0.8·(y - 57)/1.2 pixels, 9 to 19 there."""


def band(grey: NDArray[np.uint8], rows: tuple[int, int]) -> Grey | None:
    """Cut rows, given for a height of 160, out of a picture (H, W); None unless it is 2:1.

    A picture of other proportions was cropped or squeezed: its horizon is nobody knows where.
    """
    height, width = grey.shape
    if width != 2 * height or height < SIZE[0] // 2:
        return None
    first, after = (round(row * height / SIZE[0]) for row in rows)
    return grey[first:after].astype(np.float32)


def shift(before: Grey | None, after: Grey | None) -> tuple[float, float]:
    """Return by how many pixels of a picture 320 wide `after` lies to the right of `before`.

    By phase correlation (C. D. Kuglin, D. C. Hines, "The Phase Correlation Image Alignment Method",
    IEEE Conf. on Cybernetics and Society, 1975) under a Hann window.

    Returns:
        The shift, and the peak of the correlation, 0..1; NaN and 0 where nothing can be compared.
    """
    if before is None or after is None or before.shape != after.shape:
        return math.nan, 0.0
    window = cv2.createHanningWindow((before.shape[1], before.shape[0]), cv2.CV_32F)
    # Copies: where sizes suit its Fourier transform, OpenCV lays the window over what it is given.
    (right, _), peak = cv2.phaseCorrelate(before.copy(), after.copy(), window)
    return right * SIZE[1] / before.shape[1], peak


def turn(shift_px: float) -> float:
    """Return the turn to the right, rad, that moves the horizon by `shift_px` (pinhole camera)."""
    return math.atan(-shift_px / FOCAL_PX)
