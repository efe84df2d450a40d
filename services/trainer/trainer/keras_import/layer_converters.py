"""Converts one Keras layer into layers of the graph, and checks its options and weights.

The list of layers is closed: a layer that is not in it is refused.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from trainer.graph.layers import (
    BatchNorm,
    Conv,
    Crop,
    Dense,
    Flatten,
    GlobalPool,
    Layer,
    Pad,
    Permute,
    Pool,
    Rescale,
    Resize,
    SqueezeExcite,
    Weights,
)
from trainer.graph.shapes import Shape
from trainer.keras_import.idle_layers import IDLE_LAYERS, is_idle
from trainer.keras_import.layer_config import LayerConfig, activation_layer

Arrays = Sequence[npt.NDArray[np.generic]]

ACTIVATION_LAYERS: Final = frozenset({"Activation", "ELU", "LeakyReLU", "ReLU"})
"""Keras layers that are nothing but an activation."""


@dataclass(frozen=True)
class ConversionContext:
    """What a converter must know besides the layer's own configuration and weights."""

    input_shape: Shape
    """The shape of the layer's input, with the channels last."""
    channels_first: bool
    """Whether the file's images have their channels first."""
    flipped: bool
    """Whether kernels are turned by 180 degrees: Theano convolved where others correlate."""


def convert(
    class_name: str, config: LayerConfig, arrays: Arrays, context: ConversionContext
) -> tuple[Layer, ...]:
    """Return the layers of the graph that compute a Keras layer.

    Args:
        class_name: Keras's class of the layer.
        config: its configuration.
        arrays: its weights, in Keras's order.
        context: its place in the network.

    Raises:
        ModelError: the class or an option is not supported, or the weights do not fit.
    """
    if is_idle(class_name, config.config):
        return ()
    if class_name in ACTIVATION_LAYERS:
        return activation_layer(class_name, config)
    if class_name not in _CONVERTERS:
        known = sorted({*_CONVERTERS, *ACTIVATION_LAYERS, "Lambda", *IDLE_LAYERS})
        raise config.error(
            "is of a class that is not supported",
            class_name,
            f"Known: {', '.join(known)}",
        )
    weights = [_float32(config, array) for array in arrays]
    layers = _CONVERTERS[class_name](config, weights, context)
    return (*layers, *config.activation()) if class_name in _HAS_ACTIVATION else layers


def _float32(config: LayerConfig, array: npt.NDArray[np.generic]) -> Weights:
    values = array.astype(np.float32)
    if not np.isfinite(values).all():
        raise config.error("has weights that are not finite numbers", list(array.shape))
    return values


def _kernel_and_bias(
    config: LayerConfig, arrays: Sequence[Weights], dimensions: int
) -> tuple[Weights, Weights | None]:
    expected = 1 + bool(config.get("use_bias", "bias", default=True))
    if len(arrays) != expected or arrays[0].ndim != dimensions:
        raise config.error(
            f"has other weights than a kernel of {dimensions} dimensions"
            f"{' and a bias' if expected == 2 else ''}",
            [list(array.shape) for array in arrays],
        )
    return arrays[0], arrays[1] if expected == 2 else None


def _bias(config: LayerConfig, bias: Weights | None, units: int) -> Weights:
    values = np.zeros(units, np.float32) if bias is None else bias
    if values.shape != (units,):
        raise config.error(f"has a bias that is not one number for each of {units}", values.shape)
    return values


def _conv(
    config: LayerConfig, arrays: Sequence[Weights], context: ConversionContext
) -> tuple[Layer, ...]:
    kernel, bias = _kernel_and_bias(config, arrays, 4)
    keras1 = "nb_filter" in config.config
    if keras1 and context.channels_first:
        kernel = kernel.transpose(2, 3, 1, 0)  # Keras 1 wrote (filters, channels, rows, columns)
    if context.flipped:
        kernel = kernel[::-1, ::-1]
    sizes = [config.get("nb_row"), config.get("nb_col")] if keras1 else None
    size = LayerConfig(config.layer, {"kernel_size": sizes}, 1) if keras1 else config
    if config.number("groups", default=1) != 1:
        raise config.error(
            "works in groups of channels, which is not supported", config.config["groups"]
        )
    declared = (*size.pair("kernel_size", default=None), config.get("filters", "nb_filter"))
    if (*kernel.shape[:2], kernel.shape[3]) != declared:
        raise config.error(
            "has a kernel of another size than it declares",
            f"{list(kernel.shape)}, declared {list(declared)}",
        )
    strides = config.pair("strides", "subsample", default=1)
    dilation = config.pair("dilation_rate", "atrous_rate", default=1)
    if max(strides) > 1 and max(dilation) > 1:
        raise config.error("has both strides and dilation", [strides, dilation])
    return (
        Conv(
            np.ascontiguousarray(kernel),
            _bias(config, bias, kernel.shape[3]),
            strides,
            config.padding(),
            dilation,
        ),
    )


def _dense(
    config: LayerConfig, arrays: Sequence[Weights], context: ConversionContext
) -> tuple[Layer, ...]:
    kernel, bias = _kernel_and_bias(config, arrays, 2)
    if config.get("units", "output_dim") != kernel.shape[1]:
        raise config.error("has a kernel of another size than it declares", list(kernel.shape))
    if len(context.input_shape) != 1 and context.channels_first:
        raise config.error("works along the rows of images", context.input_shape)
    return (Dense(kernel, _bias(config, bias, kernel.shape[1])),)


def _normalize(
    config: LayerConfig, arrays: Sequence[Weights], context: ConversionContext
) -> tuple[Layer, ...]:
    if config.number("mode", default=0) == 1:
        raise config.error("normalises each sample by itself (mode 1)", 1)
    scale, center = (config.get(name, default=True) for name in ("scale", "center"))
    rest = list(arrays)
    if len(rest) != 2 + bool(scale) + bool(center) or any(
        array.ndim != 1 or array.shape != rest[0].shape for array in rest
    ):
        raise config.error(
            "has other weights than batch normalisation has",
            [list(array.shape) for array in arrays],
        )
    gamma = rest.pop(0) if scale else np.ones_like(rest[0])
    beta = rest.pop(0) if center else np.zeros_like(gamma)
    axis = config.get("axis", default=-1)
    axis = axis[0] if isinstance(axis, list) and len(axis) == 1 else axis
    rank = len(context.input_shape) + 1
    if type(axis) is not int or not -rank < axis < rank or axis == 0:
        raise config.error("normalises along an impossible axis", axis)
    axis %= rank
    if context.channels_first and rank == 4:
        axis = {1: 3, 2: 1, 3: 2}[axis]
    epsilon = config.number("epsilon", default=1e-3)
    if epsilon <= 0 or (rest[1] < 0).any():
        raise config.error("has a variance or an epsilon below 0", epsilon)
    return (BatchNorm(gamma, beta, rest[0], rest[1], epsilon, axis),)


def _squeeze_and_excite(
    config: LayerConfig, arrays: Sequence[Weights], context: ConversionContext
) -> tuple[Layer, ...]:
    units, channels = config.get("units"), context.input_shape[-1]
    expected = [(channels, units), (units,), (units, channels), (channels,)]
    if [array.shape for array in arrays] != expected:
        raise config.error(
            f"has other weights than {units} units for {channels} channels have",
            [list(array.shape) for array in arrays],
        )
    return (SqueezeExcite(*arrays),)


def _pool(
    kind: str,
) -> Callable[[LayerConfig, Sequence[Weights], ConversionContext], tuple[Layer, ...]]:
    def convert_pool(
        config: LayerConfig, _: Sequence[Weights], context: ConversionContext
    ) -> tuple[Layer, ...]:
        size = config.pair("pool_size", default=2)
        strides = config.pair("strides", default=list(size))
        literal: Any = kind
        return (Pool(literal, size, strides, config.padding()),)

    return convert_pool


def _flatten(
    config: LayerConfig, _: Sequence[Weights], context: ConversionContext
) -> tuple[Layer, ...]:
    # Keras 2 moves the channels last before it flattens only if the layer names the order.
    first = (
        context.channels_first
        and config.channel_order() != "first"
        and len(context.input_shape) == 3
    )
    return (Permute((3, 1, 2)), Flatten()) if first else (Flatten(),)


def _permute(
    config: LayerConfig, _: Sequence[Weights], context: ConversionContext
) -> tuple[Layer, ...]:
    order = config.get("dims", default=[])
    if context.channels_first or not isinstance(order, list) or {*map(type, order)} != {int}:
        raise config.error("reorders the axes of images with their channels first", order)
    return (Permute(tuple(order)),)


def _reshape(
    config: LayerConfig, arrays: Sequence[Weights], context: ConversionContext
) -> tuple[Layer, ...]:
    target = config.get("target_shape", default=[])
    shape = context.input_shape
    if context.channels_first and len(shape) == 3:
        shape = (shape[2], shape[0], shape[1])
    count = math.prod(shape)
    if isinstance(target, list) and all(type(size) is int for size in target):
        if len(target) == 1 and target[0] in (-1, count):
            return _flatten(LayerConfig(config.layer, {}, config.release), arrays, context)
        if tuple(target) == shape:
            return ()
    raise config.error("reshapes to something else than a row of values", target)


_CONVERTERS: Final[
    dict[str, Callable[[LayerConfig, Sequence[Weights], ConversionContext], tuple[Layer, ...]]]
] = {
    **dict.fromkeys(("Conv2D", "Convolution2D"), _conv),
    "Dense": _dense,
    **dict.fromkeys(("BatchNormalization", "BatchNormalizationV1"), _normalize),
    "LapwingSqueezeExcitation": _squeeze_and_excite,
    **dict.fromkeys(("MaxPooling2D", "MaxPool2D"), _pool("max")),
    **dict.fromkeys(("AveragePooling2D", "AvgPool2D"), _pool("average")),
    **dict.fromkeys(
        ("GlobalAveragePooling2D", "GlobalAvgPool2D"), lambda *_: (GlobalPool("average"),)
    ),
    **dict.fromkeys(("GlobalMaxPooling2D", "GlobalMaxPool2D"), lambda *_: (GlobalPool("max"),)),
    "Flatten": _flatten,
    "Reshape": _reshape,
    "Permute": _permute,
    "Cropping2D": lambda config, *_: (Crop(*config.edges("cropping", [[0, 0], [0, 0]])),),
    "ZeroPadding2D": lambda config, *_: (Pad(*config.edges("padding", 1)),),
    "Rescaling": lambda config, *_: (
        Rescale(config.number("scale", default=1.0), config.number("offset", default=0.0)),
    ),
    "Resizing": lambda config, *_: (_resize(config),),
}
_HAS_ACTIVATION: Final = frozenset({"Conv2D", "Convolution2D", "Dense"})
"""Keras layers that may have an activation in their configuration."""


def _resize(config: LayerConfig) -> Resize:
    if config.get("interpolation", default="bilinear") != "bilinear" or config.get(
        "crop_to_aspect_ratio", "pad_to_aspect_ratio", "antialias", default=False
    ):
        raise config.error(
            "resizes by another method than bilinear", config.config.get("interpolation")
        )
    size = LayerConfig(config.layer, {"size": [config.get("height"), config.get("width")]}, 3)
    return Resize(*size.pair("size", default=None))
