"""Computes a network with NumPy alone, as the reference for its converted forms.

The code follows the layers' definitions, in float32 like the networks, and fractions nothing with
Keras, TensorFlow or LiteRT. It is slow: a convolution is a matrix product over copied windows
(im2col, Chellapilla et al. 2006).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final

import numpy as np
import numpy.typing as npt

from contract.errors import ModelError
from trainer.graph.layers import (
    Activation,
    BatchNorm,
    Conv,
    Crop,
    Dense,
    Flatten,
    GlobalPool,
    Layer,
    NetworkSpec,
    Pad,
    Permute,
    Pool,
    Rescale,
    Resize,
    SqueezeExcite,
)
from trainer.graph.shapes import Padding

Values = npt.NDArray[np.float32]

_SELU: Final = (1.6732632423543772, 1.0507009873554805)
"""The constants alpha and scale of Klambauer et al. 2017."""


def predict(network: NetworkSpec, samples: npt.NDArray[np.generic], batch: int = 1) -> Values:
    """Return a network's output for samples (n, *network.input_shape): float32 (n, …).

    `batch` samples are computed at a time: the windows of 64 filters on an image of 320 x 160
    pixels take 120 MB for each sample.
    """
    outputs = [
        _predict_batch(network, samples[start : start + batch])
        for start in range(0, len(samples), batch)
    ]
    return np.concatenate(outputs)


def _predict_batch(network: NetworkSpec, samples: npt.NDArray[np.generic]) -> Values:
    values = samples.astype(np.float32)
    with np.errstate(over="ignore", invalid="ignore"):  # it shows in the output
        for layer in network.layers:
            values = apply(layer, values)
    return values


def apply(layer: Layer, x: Values) -> Values:
    """Return the output of one layer for values (n, …).

    Raises:
        ModelError: the layer is an activation that has no formula here.
    """
    if isinstance(layer, Crop):
        return x[:, layer.top : x.shape[1] - layer.bottom, layer.left : x.shape[2] - layer.right]
    if isinstance(layer, Pad):
        edges = ((0, 0), (layer.top, layer.bottom), (layer.left, layer.right), (0, 0))
        return np.pad(x, edges)
    if isinstance(layer, Resize):
        return _resize(_resize(x, 1, layer.height), 2, layer.width)
    if isinstance(layer, Rescale):
        return _float32(x * np.float32(layer.scale) + np.float32(layer.offset))
    if isinstance(layer, Conv):
        return _convolve(layer, x)
    if isinstance(layer, Pool):
        return _pool(layer, x)
    if isinstance(layer, GlobalPool):
        return _float32(x.max((1, 2)) if layer.kind == "max" else x.mean((1, 2)))
    if isinstance(layer, Permute):
        return x.transpose(0, *layer.order)
    if isinstance(layer, Flatten):
        return x.reshape(len(x), -1)
    if isinstance(layer, Dense):
        return _float32(x @ layer.kernel + layer.bias)
    if isinstance(layer, BatchNorm):
        return _normalize(layer, x)
    if isinstance(layer, SqueezeExcite):
        means = x.mean((1, 2))
        hidden = np.maximum(means @ layer.reduce_kernel + layer.reduce_bias, 0)
        gates = _sigmoid(_float32(hidden @ layer.expand_kernel + layer.expand_bias))
        return x * gates[:, None, None, :]
    return _activate(layer, x)


def _float32(values: npt.NDArray[np.floating]) -> Values:
    return values.astype(np.float32, copy=False)


def _resize(x: Values, axis: int, size: int) -> Values:
    """Resize one axis linearly.

    Output i is read at (i + 0.5) * old / new - 0.5; the edges are repeated.
    """
    old = x.shape[axis]
    position = np.clip((np.arange(size) + 0.5) * (old / size) - 0.5, 0, old - 1)
    lower = np.floor(position).astype(int)
    upper = np.minimum(lower + 1, old - 1)
    shape = [1] * x.ndim
    shape[axis] = size
    fraction = (position - lower).astype(np.float32).reshape(shape)
    return _float32(x.take(lower, axis) * (1 - fraction) + x.take(upper, axis) * fraction)


def _pad(
    x: Values, window: tuple[int, int], strides: tuple[int, int], padding: Padding, fill: float
) -> Values:
    """Pad like TensorFlow's "same": an odd row or column goes to the end."""
    if padding == "valid":
        return x
    edges = [(0, 0)]
    for size, reach, stride in zip(x.shape[1:3], window, strides, strict=True):
        missing = max((math.ceil(size / stride) - 1) * stride + reach - size, 0)
        edges.append((missing // 2, missing - missing // 2))
    return np.pad(x, [*edges, (0, 0)], constant_values=fill)


def _windows(x: Values, window: tuple[int, int], strides: tuple[int, int]) -> Values:
    """Return a view (n, rows, columns, channels, window rows, window columns)."""
    view = np.lib.stride_tricks.sliding_window_view(x, window, axis=(1, 2))
    return view[:, :: strides[0], :: strides[1]]


def _convolve(layer: Conv, x: Values) -> Values:
    rows, columns, channels, filters = layer.kernel.shape
    down, right = layer.dilation
    reach = ((rows - 1) * down + 1, (columns - 1) * right + 1)
    padded = _pad(x, reach, layer.strides, layer.padding, 0.0)
    windows = _windows(padded, reach, layer.strides)[..., ::down, ::right]
    matrix = windows.reshape(*windows.shape[:3], channels * rows * columns)
    kernel = layer.kernel.transpose(2, 0, 1, 3).reshape(-1, filters)
    return _float32(matrix @ kernel + layer.bias)


def _pool(layer: Pool, x: Values) -> Values:
    fill = -np.inf if layer.kind == "max" else np.nan  # padding must not count
    padded = _pad(x, layer.size, layer.strides, layer.padding, fill)
    windows = _windows(padded, layer.size, layer.strides)
    return _float32(windows.max((-2, -1)) if layer.kind == "max" else np.nanmean(windows, (-2, -1)))


def _normalize(layer: BatchNorm, x: Values) -> Values:
    shape = [1] * x.ndim
    shape[layer.axis] = -1
    factor = layer.gamma / np.sqrt(layer.variance + np.float32(layer.epsilon))
    offset = layer.beta - layer.mean * factor
    return _float32(x * factor.reshape(shape) + offset.reshape(shape))


def _sigmoid(x: Values) -> Values:
    return _float32(0.5 * (1 + np.tanh(0.5 * x)))  # this form does not overflow


_FORMULAS: Final[dict[str, Callable[[Activation, Values], npt.NDArray[np.floating]]]] = {
    "relu": lambda a, x: np.minimum(np.where(x > 0, x, a.negative_slope * x), a.max_value),
    "elu": lambda a, x: np.where(x > 0, x, a.alpha * np.expm1(np.minimum(x, 0))),
    "selu": lambda _, x: _SELU[1] * np.where(x > 0, x, _SELU[0] * np.expm1(np.minimum(x, 0))),
    "tanh": lambda _, x: np.tanh(x),
    "sigmoid": lambda _, x: _sigmoid(x),
    "softplus": lambda _, x: np.logaddexp(0, x),
    "softsign": lambda _, x: x / (1 + np.abs(x)),
    "silu": lambda _, x: x * _sigmoid(x),
    "exponential": lambda _, x: np.exp(x),
}


def _activate(layer: Activation, x: Values) -> Values:
    if layer.function not in _FORMULAS:
        raise ModelError("there is no NumPy formula for this activation", got=layer.function)
    return _float32(_FORMULAS[layer.function](layer, x))
