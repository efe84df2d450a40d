"""Resizes pictures as Pillow does, for networks whose authors used it.

OpenCV's linear interpolation looks at four pixels, however much a picture shrinks. Pillow widens
its filter by the factor by which the picture shrinks, and rounds to whole numbers after the columns
and again after the rows. Source: the documentation of Pillow, "Concepts", section "Filters"; the
cubic filter is that of Keys 1981, Cubic Convolution Interpolation, with a = -0.5.

Pillow itself is in no image that serves frames.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Final

import numpy as np
import numpy.typing as npt

__all__ = ["resize"]

WEIGHT_ONE: Final = 1 << 22
"""A weight of 1 in the whole numbers that Pillow uses."""

Floats = npt.NDArray[np.float64]
Pixels = npt.NDArray[np.uint8]


def _bilinear(x: Floats) -> Floats:
    return np.maximum(0.0, 1.0 - np.abs(x))


def _bicubic(x: Floats) -> Floats:
    x = np.abs(x)
    near = 1.5 * x**3 - 2.5 * x**2 + 1.0
    far = -0.5 * x**3 + 2.5 * x**2 - 4.0 * x + 2.0
    return np.where(x < 1.0, near, np.where(x < 2.0, far, 0.0))


def _lanczos(x: Floats) -> Floats:
    return np.where(np.abs(x) < 3.0, np.sinc(x) * np.sinc(x / 3.0), 0.0)


FILTERS: Final[dict[str, tuple[Callable[[Floats], Floats], float]]] = {
    "bilinear": (_bilinear, 1.0),
    "bicubic": (_bicubic, 2.0),
    "lanczos": (_lanczos, 3.0),
}
"""Each filter by its name, with the distance from its middle at which it ends."""


def resize(pixels: Pixels, height: int, width: int, name: str) -> Pixels:
    """Resize a picture, uint8 (rows, columns, channels), with one of FILTERS.

    Returns:
        uint8 (height, width, channels), equal to Pillow's.
    """
    rows, columns, channels = pixels.shape
    columns_first = np.ascontiguousarray(pixels.transpose(1, 0, 2)).reshape(columns, -1)
    narrow = _resize_first_axis(columns_first, width, name).reshape(width, rows, channels)
    rows_first = np.ascontiguousarray(narrow.transpose(1, 0, 2)).reshape(rows, -1)
    return _resize_first_axis(rows_first, height, name).reshape(height, width, channels)


def _resize_first_axis(pixels: Pixels, size: int, name: str) -> Pixels:
    """Resize the first axis of an array of two."""
    if len(pixels) == size:
        return pixels
    source = pixels.astype(np.float64)
    numbers, weights = _taps(len(pixels), size, name)
    total = np.full((size, pixels.shape[1]), 0.5)
    part = np.empty_like(total)
    for tap in range(numbers.shape[1]):
        np.take(source, numbers[:, tap], axis=0, out=part, mode="clip")
        part *= weights[:, tap, None]
        total += part
    np.floor(total, out=total)
    return total.clip(0, 255, out=total).astype(np.uint8)


@functools.lru_cache(maxsize=8)
def _taps(before: int, after: int, name: str) -> tuple[npt.NDArray[np.intp], Floats]:
    """Return which pixels of an edge make each new pixel, and with which weights.

    Args:
        before: number of pixels along the edge.
        after: number of new pixels.
        name: name of the filter.

    Returns:
        Numbers of pixels and weights, both of shape (after, taps); the weights of a new pixel have
        a sum of 1, but for their rounding.
    """
    function, reach = FILTERS[name]
    scale = before / after
    widening = max(scale, 1.0)
    middle = (np.arange(after) + 0.5) * scale
    first = np.maximum(0, np.floor(middle - reach * widening + 0.5)).astype(np.intp)
    end = np.minimum(before, np.floor(middle + reach * widening + 0.5)).astype(np.intp)
    numbers = first[:, None] + np.arange(2 * math.ceil(reach * widening) + 1)
    weights = function((numbers - middle[:, None] + 0.5) / widening)
    weights[numbers >= end[:, None]] = 0.0
    weights /= weights.sum(axis=1, keepdims=True)
    # Pillow adds whole numbers. With weights of as many bits, float64 adds exactly the same.
    weights = np.trunc(weights * WEIGHT_ONE + np.copysign(0.5, weights)) / WEIGHT_ONE
    return np.minimum(numbers, before - 1), weights
