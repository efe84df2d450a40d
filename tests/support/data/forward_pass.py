"""A second forward pass in plain NumPy, in float64, that shares nothing with the trainer's.

The trainer's multiplies matrices of windows. This one adds up shifted images, one for each place of
a kernel, as the definition of a convolution says.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

ACTIVATIONS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "linear": lambda x: x,
    "relu": lambda x: np.maximum(x, 0),
    "elu": lambda x: np.where(x > 0, x, np.exp(np.minimum(x, 0)) - 1),
    "tanh": lambda x: 2 / (1 + np.exp(-2 * x)) - 1,
    "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
    "softplus": lambda x: np.log(1 + np.exp(x)),
}


def _positions(size: int, window: int, stride: int, padding: str) -> tuple[int, int, int]:
    """Return the number of positions, and the places that are added before and after."""
    if padding == "valid":
        return (size - window) // stride + 1, 0, 0
    count = math.ceil(size / stride)
    missing = max(0, (count - 1) * stride + window - size)
    return count, missing // 2, missing - missing // 2


def _shifted(
    x: np.ndarray, window: tuple[int, int], stride: tuple[int, int], padding: str, fill: float
) -> dict[tuple[int, int], np.ndarray]:
    """Return the image that each place of a window sees."""
    rows, top, bottom = _positions(x.shape[1], window[0], stride[0], padding)
    columns, left, right = _positions(x.shape[2], window[1], stride[1], padding)
    wide = np.pad(x, ((0, 0), (top, bottom), (left, right), (0, 0)), constant_values=fill)
    return {
        (i, j): wide[
            :,
            i : i + (rows - 1) * stride[0] + 1 : stride[0],
            j : j + (columns - 1) * stride[1] + 1 : stride[1],
        ]
        for i in range(window[0])
        for j in range(window[1])
    }


def conv(x: np.ndarray, p: dict[str, Any]) -> np.ndarray:
    kernel, bias = p["kernel"], p["bias"]
    seen = _shifted(x, kernel.shape[:2], p["strides"], p["padding"], 0.0)
    total = sum(np.einsum("nrcx,xf->nrcf", image, kernel[place]) for place, image in seen.items())
    return ACTIVATIONS[p["activation"]](np.asarray(total) + bias)


def pool(x: np.ndarray, p: dict[str, Any]) -> np.ndarray:
    seen = list(_shifted(x, p["size"], p["size"], p["padding"], np.nan).values())
    reduce = np.nanmax if p["kind"] == "max" else np.nanmean
    return np.asarray(reduce(np.stack(seen), axis=0))


def normalize(x: np.ndarray, p: dict[str, Any]) -> np.ndarray:
    return (x - p["mean"]) / np.sqrt(p["variance"] + p["epsilon"]) * p["gamma"] + p["beta"]


def dense(x: np.ndarray, p: dict[str, Any]) -> np.ndarray:
    return ACTIVATIONS[p["activation"]](np.einsum("nx,xu->nu", x, p["kernel"]) + p["bias"])


OPERATIONS: dict[str, Callable[[np.ndarray, dict[str, Any]], np.ndarray]] = {
    "scale": lambda x, p: x / p["factor"] - p["offset"],
    "crop": lambda x, p: x[:, p["top"] : x.shape[1] - p["bottom"]],
    "conv": conv,
    "pool": pool,
    "normalize": normalize,
    "leaky": lambda x, p: np.where(x > 0, x, p["slope"] * x),
    "flatten": lambda x, _: x.reshape(len(x), -1),
    "mean": lambda x, _: x.mean(axis=(1, 2)),
    "dense": dense,
}


def compute(operations: list[tuple[str, dict[str, Any]]], pictures: np.ndarray) -> np.ndarray:
    """Return the answers of a network to pictures, shape (n, 1)."""
    x = pictures.astype(np.float64)
    for name, parameters in operations:
        x = OPERATIONS[name](x, parameters)
    return x
