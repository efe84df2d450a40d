"""The shapes of the values between layers, and the limits on them."""

from __future__ import annotations

import math
from typing import Final, Literal, TypeAlias

from contract.errors import ModelError

Shape: TypeAlias = tuple[int, ...]
"""The shape of one sample: (height, width, channels), or (values,)."""
Padding = Literal["valid", "same"]

MAX_VALUES: Final = 1 << 24
"""Maximum number of values of one sample between two layers.

In float32 this is 64 MiB, twenty times what an image of 320 x 160 takes after 24 filters."""


def conv_output_size(size: int, window: int, stride: int, padding: Padding) -> int:
    """Return how many positions a sliding window has along an edge, 0 if it does not fit."""
    if padding == "same":
        return -(-size // stride)
    return (size - window) // stride + 1 if size >= window else 0


def require_image(shape: Shape) -> tuple[int, int, int]:
    """Return height, width and channels of an image.

    Raises:
        ModelError: the shape does not have three axes.
    """
    if len(shape) != 3:
        raise shape_error("it needs images (height, width, channels)", shape)
    return shape[0], shape[1], shape[2]


def validate_shape(shape: Shape) -> Shape:
    """Return the shape if it is allowed.

    Raises:
        ModelError: it holds no value, or more than MAX_VALUES.
    """
    if min(shape) < 1 or math.prod(shape) > MAX_VALUES:
        raise shape_error(f"its output would be {' x '.join(map(str, shape))} values", shape)
    return shape


def shape_error(problem: str, got: object) -> ModelError:
    """Return the error for a layer that does not fit the layer before it."""
    return ModelError(
        problem, got=got, remedy="The layer's configuration and its weights must fit together"
    )
