"""A network's answers computed with NumPy alone: what a converted network is held against.

Written from the layers' definitions, in float32 like the networks, and shares no code with Keras,
TensorFlow or LiteRT. Slow: a convolution is a matrix product over copied windows (im2col,
Chellapilla et al. 2006).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final

import numpy as np
import numpy.typing as npt

from contract.errors import ModelError
from trainer.graph.layers import (
    Activate,
    Conv,
    Crop,
    Dense,
    Flatten,
    GlobalPool,
    Layer,
    Network,
    Normalize,
    Pad,
    Permute,
    Pool,
    Resize,
    Scale,
)
from trainer.graph.shapes import Padding

Values = npt.NDArray[np.float32]

_SELU: Final = (1.6732632423543772, 1.0507009873554805)
"""alpha and scale of Klambauer et al. 2017."""


def answers(network: Network, samples: npt.NDArray[np.generic], batch: int = 1) -> Values:
    """Return what a network makes of samples (n, *network.input_shape): float32 (n, …).

    `batch` are computed at a time: the windows of 64 filters on 320 x 160 pixels take 120 MB each.
    """
    found = [
        _answer(network, samples[start : start + batch]) for start in range(0, len(samples), batch)
    ]
    return np.concatenate(found)


def _answer(network: Network, samples: npt.NDArray[np.generic]) -> Values:
    values = samples.astype(np.float32)
    with np.errstate(over="ignore", invalid="ignore"):  # the answers tell
        for layer in network.layers:
            values = apply(layer, values)
    return values


def apply(layer: Layer, x: Values) -> Values:
    """Return what one layer makes of values (n, …).

    Raises:
        ModelError: it is an activation without a formula here.
    """
    if isinstance(layer, Crop):
        return x[:, layer.top : x.shape[1] - layer.bottom, layer.left : x.shape[2] - layer.right]
    if isinstance(layer, Pad):
        edges = ((0, 0), (layer.top, layer.bottom), (layer.left, layer.right), (0, 0))
        return np.pad(x, edges)
    if isinstance(layer, Resize):
        return _resized(_resized(x, 1, layer.height), 2, layer.width)
    if isinstance(layer, Scale):
        return _float32(x * np.float32(layer.scale) + np.float32(layer.offset))
    if isinstance(layer, Conv):
        return _convolved(layer, x)
    if isinstance(layer, Pool):
        return _pooled(layer, x)
    if isinstance(layer, GlobalPool):
        return _float32(x.max((1, 2)) if layer.kind == "max" else x.mean((1, 2)))
    if isinstance(layer, Permute):
        return x.transpose(0, *layer.order)
    if isinstance(layer, Flatten):
        return x.reshape(len(x), -1)
    if isinstance(layer, Dense):
        return _float32(x @ layer.kernel + layer.bias)
    if isinstance(layer, Normalize):
        return _normalized(layer, x)
    return _activated(layer, x)


def _float32(values: npt.NDArray[np.floating]) -> Values:
    return values.astype(np.float32, copy=False)


def _resized(x: Values, axis: int, size: int) -> Values:
    """Resize one axis linearly: output i lies at (i + 0.5) * old / new - 0.5, edges repeated."""
    old = x.shape[axis]
    place = np.clip((np.arange(size) + 0.5) * (old / size) - 0.5, 0, old - 1)
    lower = np.floor(place).astype(int)
    upper = np.minimum(lower + 1, old - 1)
    shape = [1] * x.ndim
    shape[axis] = size
    share = (place - lower).astype(np.float32).reshape(shape)
    return _float32(x.take(lower, axis) * (1 - share) + x.take(upper, axis) * share)


def _padded(
    x: Values, window: tuple[int, int], strides: tuple[int, int], padding: Padding, fill: float
) -> Values:
    """Pad as TensorFlow's "same": the odd row or column at the end."""
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


def _convolved(layer: Conv, x: Values) -> Values:
    rows, columns, channels, filters = layer.kernel.shape
    down, right = layer.dilation
    reach = ((rows - 1) * down + 1, (columns - 1) * right + 1)
    padded = _padded(x, reach, layer.strides, layer.padding, 0.0)
    seen = _windows(padded, reach, layer.strides)[..., ::down, ::right]
    matrix = seen.reshape(*seen.shape[:3], channels * rows * columns)
    kernel = layer.kernel.transpose(2, 0, 1, 3).reshape(-1, filters)
    return _float32(matrix @ kernel + layer.bias)


def _pooled(layer: Pool, x: Values) -> Values:
    fill = -np.inf if layer.kind == "max" else np.nan  # neither counts
    padded = _padded(x, layer.size, layer.strides, layer.padding, fill)
    seen = _windows(padded, layer.size, layer.strides)
    return _float32(seen.max((-2, -1)) if layer.kind == "max" else np.nanmean(seen, (-2, -1)))


def _normalized(layer: Normalize, x: Values) -> Values:
    shape = [1] * x.ndim
    shape[layer.axis] = -1
    factor = layer.gamma / np.sqrt(layer.variance + np.float32(layer.epsilon))
    offset = layer.beta - layer.mean * factor
    return _float32(x * factor.reshape(shape) + offset.reshape(shape))


def _sigmoid(x: Values) -> Values:
    return _float32(0.5 * (1 + np.tanh(0.5 * x)))  # does not overflow


_FORMULAS: Final[dict[str, Callable[[Activate, Values], npt.NDArray[np.floating]]]] = {
    "relu": lambda a, x: np.minimum(np.where(x > 0, x, a.slope * x), a.ceiling),
    "elu": lambda a, x: np.where(x > 0, x, a.alpha * np.expm1(np.minimum(x, 0))),
    "selu": lambda _, x: _SELU[1] * np.where(x > 0, x, _SELU[0] * np.expm1(np.minimum(x, 0))),
    "tanh": lambda _, x: np.tanh(x),
    "sigmoid": lambda _, x: _sigmoid(x),
    "softplus": lambda _, x: np.logaddexp(0, x),
    "softsign": lambda _, x: x / (1 + np.abs(x)),
    "silu": lambda _, x: x * _sigmoid(x),
    "exponential": lambda _, x: np.exp(x),
}


def _activated(layer: Activate, x: Values) -> Values:
    if layer.function not in _FORMULAS:
        raise ModelError("there is no formula for this activation", got=layer.function)
    return _float32(_FORMULAS[layer.function](layer, x))
