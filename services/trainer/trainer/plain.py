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

from contract.errors import ModelError

Weights = npt.NDArray[np.float32]
Shape: TypeAlias = tuple[int, ...]
Padding = Literal["valid", "same"]

MAX_VALUES: Final = 1 << 24
"""Of one sample between two layers: 64 MiB, twenty times what a picture of 320 x 160 takes after
24 filters."""


@dataclass(frozen=True)
class Crop:
    """Removes so many rows and columns from each edge."""

    top: int
    bottom: int
    left: int = 0
    right: int = 0

    def shape(self, seen: Shape) -> Shape:
        """Return what is left, which is at least a pixel."""
        height, width, channels = _picture(seen)
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
        height, width, channels = _picture(seen)
        return fit((height + self.top + self.bottom, width + self.left + self.right, channels))


@dataclass(frozen=True)
class Resize:
    """Resizes linearly, pixels being areas (OpenCV's INTER_LINEAR, TensorFlow's bilinear)."""

    height: int
    width: int

    def shape(self, seen: Shape) -> Shape:
        """Return the new size with the channels as they were."""
        return fit((self.height, self.width, _picture(seen)[2]))


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
        height, width, channels = _picture(seen)
        rows, columns, channels_in, filters = self.kernel.shape
        if channels != channels_in:
            raise _unfit(f"its kernel is for {channels_in} channels", channels)
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
        height, width, channels = _picture(seen)
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
        return (_picture(seen)[2],)


@dataclass(frozen=True)
class Flatten:
    """Makes one row of values; `channels_first` puts all of a channel's before the next one's."""

    channels_first: bool = False

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
            raise _unfit(f"its kernel is for {self.kernel.shape[0]:,} values", seen[-1])
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
            raise _unfit(f"it has weights for {len(self.mean)} values on axis {self.axis}", seen)
        return seen


FUNCTIONS: Final = (
    "relu", "elu", "selu", "tanh", "sigmoid", "softplus", "softsign", "silu", "exponential",
)  # fmt: skip


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
    Crop | Pad | Resize | Scale | Conv | Pool | GlobalPool | Flatten | Dense | Normalize | Activate
)


@dataclass(frozen=True)
class Network:
    """A chain of layers, in order, and what goes into the first."""

    input_shape: Shape
    """Of one sample: (height, width, channels)."""
    input_dtype: str
    """uint8 or float32."""
    layers: tuple[Layer, ...]


def slid(size: int, window: int, stride: int, padding: Padding) -> int:
    """Return how many places a window takes along an edge; none is less than one."""
    if padding == "same":
        return -(-size // stride)
    return (size - window) // stride + 1 if size >= window else 0


def _picture(seen: Shape) -> tuple[int, int, int]:
    if len(seen) != 3:
        raise _unfit("it needs pictures (height, width, channels)", seen)
    return seen[0], seen[1], seen[2]


def fit(made: Shape) -> Shape:
    """Return a shape, if a sample may have it: at least a value, at most MAX_VALUES."""
    if min(made) < 1 or math.prod(made) > MAX_VALUES:
        raise _unfit(f"it would make {' x '.join(map(str, made))} values of it", made)
    return made


def _unfit(what: str, got: object) -> ModelError:
    return ModelError(what, got=got, remedy="Its configuration and its weights must fit together")
