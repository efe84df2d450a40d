"""Networks as data: a sequence of layers, each with its weights.

All images are (n, height, width, channels), whatever order their file used. Layers that do nothing
during inference (dropout, noise) are left out. A layer's `shape` takes the shape of one input
sample and returns the shape of the output; it raises ModelError if the two do not fit.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from trainer.graph.shapes import (
    Padding,
    Shape,
    conv_output_size,
    require_image,
    shape_error,
    validate_shape,
)

Weights = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Crop:
    """Removes rows and columns from the edges of an image."""

    top: int
    bottom: int
    left: int = 0
    right: int = 0

    def shape(self, shape: Shape) -> Shape:
        """Return the remaining size, which is at least one pixel."""
        height, width, channels = require_image(shape)
        return validate_shape(
            (height - self.top - self.bottom, width - self.left - self.right, channels)
        )


@dataclass(frozen=True)
class Pad:
    """Adds rows and columns of zeros at the edges of an image."""

    top: int
    bottom: int
    left: int
    right: int

    def shape(self, shape: Shape) -> Shape:
        """Return the larger size."""
        height, width, channels = require_image(shape)
        return validate_shape(
            (height + self.top + self.bottom, width + self.left + self.right, channels)
        )


@dataclass(frozen=True)
class Resize:
    """Resizes an image linearly; pixels are areas.

    This is INTER_LINEAR of OpenCV and bilinear resizing of TensorFlow.
    """

    height: int
    width: int

    def shape(self, shape: Shape) -> Shape:
        """Return the new size with the same number of channels."""
        return validate_shape((self.height, self.width, require_image(shape)[2]))


@dataclass(frozen=True)
class Rescale:
    """Computes x * scale + offset."""

    scale: float
    offset: float

    def shape(self, shape: Shape) -> Shape:
        """Return the same shape."""
        return shape


@dataclass(frozen=True)
class Conv:
    """Convolves an image with a kernel and adds a bias.

    Like all frameworks but Theano it computes a correlation: the kernel is not turned by 180
    degrees. The kernel has the shape (rows, columns, input channels, filters), the bias (filters,).
    """

    kernel: Weights
    bias: Weights
    strides: tuple[int, int] = (1, 1)
    padding: Padding = "valid"
    dilation: tuple[int, int] = (1, 1)

    def shape(self, shape: Shape) -> Shape:
        """Return the size of the feature maps, with a channel for each filter."""
        height, width, channels = require_image(shape)
        rows, columns, channels_in, filters = self.kernel.shape
        if channels != channels_in:
            raise shape_error(f"its kernel is for {channels_in} channels", channels)
        reach = [
            (size - 1) * step + 1 for size, step in zip((rows, columns), self.dilation, strict=True)
        ]
        sizes = [
            conv_output_size(size, window, stride, self.padding)
            for size, window, stride in zip((height, width), reach, self.strides, strict=True)
        ]
        return validate_shape((*sizes, filters))


@dataclass(frozen=True)
class Pool:
    """Takes the maximum or the mean of each window; padded zeros do not count."""

    kind: Literal["max", "average"]
    size: tuple[int, int]
    strides: tuple[int, int]
    padding: Padding = "valid"

    def shape(self, shape: Shape) -> Shape:
        """Return the number of windows along each edge, with the same channels."""
        height, width, channels = require_image(shape)
        sizes = [
            conv_output_size(size, window, stride, self.padding)
            for size, window, stride in zip((height, width), self.size, self.strides, strict=True)
        ]
        return validate_shape((*sizes, channels))


@dataclass(frozen=True)
class GlobalPool:
    """Takes the maximum or the mean of each channel."""

    kind: Literal["max", "average"]

    def shape(self, shape: Shape) -> Shape:
        """Return one value for each channel."""
        return (require_image(shape)[2],)


@dataclass(frozen=True)
class Permute:
    """Reorders the axes of a sample, counted from 1."""

    order: tuple[int, ...]

    def shape(self, shape: Shape) -> Shape:
        """Return the sizes in the new order."""
        if sorted(self.order) != list(range(1, len(shape) + 1)):
            raise shape_error(f"it reorders {len(self.order)} axes", shape)
        return tuple(shape[axis - 1] for axis in self.order)


@dataclass(frozen=True)
class Flatten:
    """Turns a sample into one row of values."""

    def shape(self, shape: Shape) -> Shape:
        """Return the number of values."""
        return (math.prod(shape),)


@dataclass(frozen=True)
class Dense:
    """Multiplies with a kernel (input values, units) and adds a bias (units,)."""

    kernel: Weights
    bias: Weights

    def shape(self, shape: Shape) -> Shape:
        """Return the number of units; an image keeps its rows and columns."""
        if shape[-1] != self.kernel.shape[0]:
            raise shape_error(f"its kernel is for {self.kernel.shape[0]:,} values", shape[-1])
        return validate_shape((*shape[:-1], self.kernel.shape[1]))


@dataclass(frozen=True)
class BatchNorm:
    """Normalises with the statistics that training collected, along one axis.

    It computes (x - mean) / sqrt(variance + epsilon) * gamma + beta (Ioffe, Szegedy 2015).
    """

    gamma: Weights
    beta: Weights
    mean: Weights
    variance: Weights
    epsilon: float
    axis: int
    """The axis, counted with the batch as axis 0: 3 is an image's channels, 1 its rows."""

    def shape(self, shape: Shape) -> Shape:
        """Return the same shape."""
        size = shape[self.axis - 1] if 1 <= self.axis <= len(shape) else None
        if size != len(self.mean):
            raise shape_error(
                f"it has weights for {len(self.mean)} values on axis {self.axis}", shape
            )
        return shape


@dataclass(frozen=True)
class SqueezeExcite:
    """Weighs each channel of an image by what all channels hold on average.

    The mean of each channel goes through two dense layers, with relu after the first and sigmoid
    after the second, and each channel is multiplied with its result (Hu, Shen, Sun 2018,
    Squeeze-and-Excitation Networks, arXiv 1709.01507, section 3).
    """

    reduce_kernel: Weights
    """(channels, units)."""
    reduce_bias: Weights
    """(units,)."""
    expand_kernel: Weights
    """(units, channels)."""
    expand_bias: Weights
    """(channels,)."""

    def shape(self, shape: Shape) -> Shape:
        """Return the same shape."""
        channels = require_image(shape)[2]
        if channels != self.reduce_kernel.shape[0]:
            raise shape_error(f"its kernel is for {self.reduce_kernel.shape[0]} channels", channels)
        return shape


ACTIVATIONS: Final = (
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
class Activation:
    """Applies one of ACTIVATIONS to each value.

    Below 0, elu is alpha * (exp(x) - 1) and relu is negative_slope * x; relu never exceeds
    max_value.
    """

    function: str
    alpha: float = 1.0
    negative_slope: float = 0.0
    max_value: float = math.inf

    def shape(self, shape: Shape) -> Shape:
        """Return the same shape."""
        return shape


Layer: TypeAlias = (
    Crop
    | Pad
    | Resize
    | Rescale
    | Conv
    | Pool
    | GlobalPool
    | Permute
    | Flatten
    | Dense
    | BatchNorm
    | SqueezeExcite
    | Activation
)


@dataclass(frozen=True)
class NetworkSpec:
    """A network: its layers in order, and the input of the first."""

    input_shape: Shape
    """The shape of one sample: (height, width, channels)."""
    input_dtype: str
    """The type of the input: uint8 or float32."""
    layers: tuple[Layer, ...]


def infer_shapes(network: NetworkSpec) -> list[Shape]:
    """Return the shape of one sample after each layer.

    Raises:
        ModelError: a layer does not fit the layer before it.
    """
    shape = validate_shape(network.input_shape)
    shapes = []
    for layer in network.layers:
        shape = layer.shape(shape)
        shapes.append(shape)
    return shapes


def summarize(network: NetworkSpec) -> list[str]:
    """Describe each layer in a few words, with the shape of its output."""
    lines = []
    for layer, shape in zip(network.layers, infer_shapes(network), strict=True):
        name = layer.function if isinstance(layer, Activation) else type(layer).__name__.lower()
        lines.append(f"{name} {' x '.join(map(str, shape))}")
    return lines
