"""Describes the layers of a Keras network in a table, which is published with it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import keras

from contract.models import layer_table
from contract.models.layer_table import Layer


def write(folder: Path, model: keras.Model) -> None:
    """Write the table of a Sequential model's layers into the folder of a new version."""
    layer_table.write(folder / layer_table.FILE, describe_layers(model))


def describe_layers(model: keras.Model) -> list[Layer]:
    """Return the layers of a Sequential model, in order."""
    return [
        Layer(
            name=str(layer.name),
            kind=type(layer).__name__,
            detail=_details(layer),
            activation=_activation(layer),
            output_shape=tuple(int(size) for size in layer.output.shape[1:]),
            parameters=int(layer.count_params()),
        )
        for layer in model.layers
    ]


def _activation(layer: Any) -> str:  # noqa: ANN401 - Keras publishes no types
    name = str(getattr(getattr(layer, "activation", None), "__name__", ""))
    return "" if name == "linear" else name


def _details(layer: Any) -> str:  # noqa: ANN401 - Keras publishes no types
    describe = DETAILS.get(type(layer).__name__)
    return "" if describe is None else describe(layer)


def _window(layer: Any) -> str:  # noqa: ANN401 - Keras publishes no types
    size = layer.kernel_size if hasattr(layer, "kernel_size") else layer.pool_size
    stride = layer.strides
    steps = f"stride {_by(stride) if stride[0] != stride[1] else stride[0]}"
    words = [_by(size), *([steps] if tuple(stride) != (1, 1) else [])]
    return ", ".join([*words, *(["same padding"] if layer.padding == "same" else [])])


def _scaling(layer: Any) -> str:  # noqa: ANN401 - Keras publishes no types
    scale, offset = float(layer.scale), float(layer.offset)
    inverse = round(1 / scale, 3) if scale else 0.0
    by = f"/ {inverse:g}" if inverse and abs(inverse * scale - 1) < 1e-6 else f"* {scale:.6g}"
    return f"x {by}" + (f" {'-' if offset < 0 else '+'} {abs(offset):g}" if offset else "")


def _edges(sides: Any) -> str:  # noqa: ANN401 - Keras publishes no types
    (top, bottom), (left, right) = sides
    named = {"top": top, "bottom": bottom, "left": left, "right": right}
    return ", ".join(f"{size} {name}" for name, size in named.items() if size)


def _by(sizes: tuple[int, ...]) -> str:
    return " x ".join(map(str, sizes))


DETAILS: Final[Mapping[str, Callable[[Any], str]]] = {
    "Conv2D": _window,
    "MaxPooling2D": _window,
    "AveragePooling2D": _window,
    "Cropping2D": lambda layer: _edges(layer.cropping),
    "ZeroPadding2D": lambda layer: _edges(layer.padding),
    "Rescaling": _scaling,
    "Resizing": lambda layer: f"to {layer.height} x {layer.width}",
    "LapwingSqueezeExcitation": lambda layer: f"{layer.units} units",
    "Dropout": lambda layer: f"rate {layer.rate:g}",
    "ELU": lambda layer: f"alpha {float(layer.alpha):g}",
}
"""The function that describes a layer, by the name of its class."""
