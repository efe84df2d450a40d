"""The vocabulary of networks as data: a chain of plain layers, each with its weights.

All pictures are (n, height, width, channels), whatever order the file was written in. What does
nothing when a network answers (dropout, noise) is not there. A layer's `shape` takes the shape of
one sample and returns what the layer makes of it; it raises ModelError when the two do not fit.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from trainer.graph.shapes import Padding, Shape, fit, picture, slid, unfit

Weights = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Crop:
    """Removes so many rows and columns from each edge."""

    top: int
    bottom: int
    left: int = 0
    right: int = 0

    def shape(self, seen: Shape) -> Shape:
        """Return what is left, which is at least a pixel."""
        height, width, channels = picture(seen)
        return fit((height - self.top - self.bottom, width - self.left - self.right, channels))


@dataclass(frozen=True)
class Pad:
    """Adds so many rows and columns of zeros at each edge."""

    top: int
    bottom: int
    left: int
    right: int

    def shape(self, seen: Shape) -> Shape:
        """Return what it grows to."""
        height, width, channels = picture(seen)
        return fit((height + self.top + self.bottom, width + self.left + self.right, channels))


@dataclass(frozen=True)
class Resize:
    """Resizes linearly, pixels being areas (OpenCV's INTER_LINEAR, TensorFlow's bilinear)."""

    height: int
    width: int

    def shape(self, seen: Shape) -> Shape:
        """Return the new size with the channels as they were."""
        return fit((self.height, self.width, picture(seen)[2]))


@dataclass(frozen=True)
class Scale:
    """Computes x * scale + offset."""

    scale: float
    offset: float

    def shape(self, seen: Shape) -> Shape:
        """Return the same shape."""
        return seen


@dataclass(frozen=True)
class Conv:
    """Correlates with a kernel (rows, columns, channels in, filters) and adds a bias (filters,)."""

    kernel: Weights
    bias: Weights
    strides: tuple[int, int] = (1, 1)
    padding: Padding = "valid"
    dilation: tuple[int, int] = (1, 1)

    def shape(self, seen: Shape) -> Shape:
        """Return the picture of the filters."""
        height, width, channels = picture(seen)
        rows, columns, channels_in, filters = self.kernel.shape
        if channels != channels_in:
            raise unfit(f"its kernel is for {channels_in} channels", channels)
        reach = [
            (size - 1) * step + 1 for size, step in zip((rows, columns), self.dilation, strict=True)
        ]
        sizes = [
            slid(size, window, stride, self.padding)
            for size, window, stride in zip((height, width), reach, self.strides, strict=True)
        ]
        return fit((*sizes, filters))


@dataclass(frozen=True)
class Pool:
    """Takes the largest value, or the mean, of each window; zeros of padding do not count."""

    kind: Literal["max", "average"]
    size: tuple[int, int]
    strides: tuple[int, int]
    padding: Padding = "valid"

    def shape(self, seen: Shape) -> Shape:
        """Return the picture of the windows."""
        height, width, channels = picture(seen)
        sizes = [
            slid(size, window, stride, self.padding)
            for size, window, stride in zip((height, width), self.size, self.strides, strict=True)
        ]
        return fit((*sizes, channels))


@dataclass(frozen=True)
class GlobalPool:
    """Takes the largest value, or the mean, of each channel."""

    kind: Literal["max", "average"]

    def shape(self, seen: Shape) -> Shape:
        """Return a value a channel."""
        return (picture(seen)[2],)


@dataclass(frozen=True)
class Permute:
    """Puts the axes of a sample, counted from 1, into another order."""

    order: tuple[int, ...]

    def shape(self, seen: Shape) -> Shape:
        """Return the sizes in that order."""
        if sorted(self.order) != list(range(1, len(seen) + 1)):
            raise unfit(f"it orders {len(self.order)} axes", seen)
        return tuple(seen[each - 1] for each in self.order)


@dataclass(frozen=True)
class Flatten:
    """Makes one row of values."""

    def shape(self, seen: Shape) -> Shape:
        """Return how many values there are."""
        return (math.prod(seen),)


@dataclass(frozen=True)
class Dense:
    """Multiplies with a kernel (values in, units) and adds a bias (units,)."""

    kernel: Weights
    bias: Weights

    def shape(self, seen: Shape) -> Shape:
        """Return the units; of a picture, at each pixel."""
        if seen[-1] != self.kernel.shape[0]:
            raise unfit(f"its kernel is for {self.kernel.shape[0]:,} values", seen[-1])
        return fit((*seen[:-1], self.kernel.shape[1]))


@dataclass(frozen=True)
class Normalize:
    """Batch normalisation as it is after training: four rows of weights along one axis.

    Computes (x - mean) / sqrt(variance + epsilon) * gamma + beta (Ioffe, Szegedy 2015).
    """

    gamma: Weights
    beta: Weights
    mean: Weights
    variance: Weights
    epsilon: float
    axis: int
    """Of the sample with the batch before it: 3 are a picture's channels, 1 its rows."""

    def shape(self, seen: Shape) -> Shape:
        """Return the same shape."""
        found = seen[self.axis - 1] if 1 <= self.axis <= len(seen) else None
        if found != len(self.mean):
            raise unfit(f"it has weights for {len(self.mean)} values on axis {self.axis}", seen)
        return seen


FUNCTIONS: Final = (
    "relu",
    "elu",
    "selu",
    "tanh",
    "sigmoid",
    "softplus",
    "softsign",
    "silu",
    "exponential",
)


@dataclass(frozen=True)
class Activate:
    """Applies one of FUNCTIONS to each value.

    elu: alpha * (exp(x) - 1) below 0. relu: `slope` * x below 0, and never above `ceiling`.
    """

    function: str
    alpha: float = 1.0
    slope: float = 0.0
    ceiling: float = math.inf

    def shape(self, seen: Shape) -> Shape:
        """Return the same shape."""
        return seen


Layer: TypeAlias = (
    Crop
    | Pad
    | Resize
    | Scale
    | Conv
    | Pool
    | GlobalPool
    | Permute
    | Flatten
    | Dense
    | Normalize
    | Activate
)


@dataclass(frozen=True)
class Network:
    """A chain of layers, in order, and what goes into the first."""

    input_shape: Shape
    """Of one sample: (height, width, channels)."""
    input_dtype: str
    """uint8 or float32."""
    layers: tuple[Layer, ...]
