"""Turns one layer of a file into plain layers: a closed list, each checked with its weights."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from trainer.graph.layers import (
    Conv,
    Crop,
    Dense,
    Flatten,
    GlobalPool,
    Layer,
    Normalize,
    Pad,
    Permute,
    Pool,
    Resize,
    Scale,
    Weights,
)
from trainer.graph.shapes import Shape
from trainer.keras_import.layer_config import Options, advanced

Arrays = Sequence[npt.NDArray[np.generic]]

IDLE: Final = frozenset(
    {
        "InputLayer",
        "Dropout",
        "SpatialDropout2D",
        "SpatialDropout1D",
        "AlphaDropout",
        "GaussianNoise",
        "GaussianDropout",
        "ActivityRegularization",
    }
)
"""What does nothing when a network answers."""
ADVANCED: Final = frozenset({"Activation", "ELU", "LeakyReLU", "ReLU"})


@dataclass(frozen=True)
class Place:
    """Where in a network a layer is."""

    seen: Shape
    """The shape that comes in, channels last."""
    channels_first: bool
    """Whether the file's pictures had their channels first."""
    flipped: bool
    """Whether kernels were turned by 180 degrees: Theano convolved where others correlate."""


def converted(kind: str, options: Options, arrays: Arrays, place: Place) -> tuple[Layer, ...]:
    """Return what a layer is made of.

    Raises:
        ModelError: it is of a kind, or has an option, that is not understood, or weights that do
            not fit.
    """
    if kind in IDLE:
        return ()
    if kind in ADVANCED:
        return advanced(kind, options)
    if kind not in _KINDS:
        raise options.refusal(
            "is of a kind that is not understood",
            kind,
            f"Known: {', '.join(sorted({*_KINDS, *ADVANCED, 'Lambda', *IDLE}))}",
        )
    found = _KINDS[kind](options, [_float32(options, each) for each in arrays], place)
    return (*found, *options.activation()) if kind in _BENT else found


def _float32(options: Options, array: npt.NDArray[np.generic]) -> Weights:
    values = array.astype(np.float32)
    if not np.isfinite(values).all():
        raise options.refusal("has weights that are no finite numbers", list(array.shape))
    return values


def _kernel_and_bias(
    options: Options, arrays: Sequence[Weights], dimensions: int
) -> tuple[Weights, Weights | None]:
    wanted = 1 + bool(options.first("use_bias", "bias", default=True))
    if len(arrays) != wanted or arrays[0].ndim != dimensions:
        raise options.refusal(
            f"has other weights than a kernel of {dimensions} dimensions"
            f"{' and a bias' if wanted == 2 else ''}",
            [list(each.shape) for each in arrays],
        )
    return arrays[0], arrays[1] if wanted == 2 else None


def _bias(options: Options, bias: Weights | None, units: int) -> Weights:
    found = np.zeros(units, np.float32) if bias is None else bias
    if found.shape != (units,):
        raise options.refusal(f"has a bias that is not one number for each of {units}", found.shape)
    return found


def _conv(options: Options, arrays: Sequence[Weights], place: Place) -> tuple[Layer, ...]:
    kernel, bias = _kernel_and_bias(options, arrays, 4)
    old = "nb_filter" in options.config
    if old and place.channels_first:
        kernel = kernel.transpose(2, 3, 1, 0)  # Keras 1 wrote (filters, channels, rows, columns)
    if place.flipped:
        kernel = kernel[::-1, ::-1]
    sizes = [options.first("nb_row"), options.first("nb_col")] if old else None
    size = Options(options.who, {"kernel_size": sizes}, 1) if old else options
    if options.number("groups", default=1) != 1:
        raise options.refusal(
            "works in groups of channels, which is not understood", options.config["groups"]
        )
    declared = (*size.pair("kernel_size", default=None), options.first("filters", "nb_filter"))
    if (*kernel.shape[:2], kernel.shape[3]) != declared:
        raise options.refusal(
            "has a kernel of another size than it declares",
            f"{list(kernel.shape)}, declared {list(declared)}",
        )
    strides = options.pair("strides", "subsample", default=1)
    dilation = options.pair("dilation_rate", "atrous_rate", default=1)
    if max(strides) > 1 and max(dilation) > 1:
        raise options.refusal("has both strides and dilation", [strides, dilation])
    return (
        Conv(
            np.ascontiguousarray(kernel),
            _bias(options, bias, kernel.shape[3]),
            strides,
            options.padding(),
            dilation,
        ),
    )


def _dense(options: Options, arrays: Sequence[Weights], place: Place) -> tuple[Layer, ...]:
    kernel, bias = _kernel_and_bias(options, arrays, 2)
    if options.first("units", "output_dim") != kernel.shape[1]:
        raise options.refusal("has a kernel of another size than it declares", list(kernel.shape))
    if len(place.seen) != 1 and place.channels_first:
        raise options.refusal("works along the rows of pictures", place.seen)
    return (Dense(kernel, _bias(options, bias, kernel.shape[1])),)


def _normalize(options: Options, arrays: Sequence[Weights], place: Place) -> tuple[Layer, ...]:
    if options.number("mode", default=0) == 1:
        raise options.refusal("normalises each sample by itself (mode 1)", 1)
    scale, center = (options.first(each, default=True) for each in ("scale", "center"))
    rest = list(arrays)
    if len(rest) != 2 + bool(scale) + bool(center) or any(
        each.ndim != 1 or each.shape != rest[0].shape for each in rest
    ):
        raise options.refusal(
            "has other weights than batch normalisation has", [list(each.shape) for each in arrays]
        )
    gamma = rest.pop(0) if scale else np.ones_like(rest[0])
    beta = rest.pop(0) if center else np.zeros_like(gamma)
    axis = options.first("axis", default=-1)
    axis = axis[0] if isinstance(axis, list) and len(axis) == 1 else axis
    rank = len(place.seen) + 1
    if type(axis) is not int or not -rank < axis < rank or axis == 0:
        raise options.refusal("normalises along an axis that cannot be", axis)
    axis %= rank
    if place.channels_first and rank == 4:
        axis = {1: 3, 2: 1, 3: 2}[axis]
    epsilon = options.number("epsilon", default=1e-3)
    if epsilon <= 0 or (rest[1] < 0).any():
        raise options.refusal("has a variance or an epsilon below 0", epsilon)
    return (Normalize(gamma, beta, rest[0], rest[1], epsilon, axis),)


def _pool(kind: str) -> Callable[[Options, Sequence[Weights], Place], tuple[Layer, ...]]:
    def made(options: Options, _: Sequence[Weights], place: Place) -> tuple[Layer, ...]:
        size = options.pair("pool_size", default=2)
        strides = options.pair("strides", default=list(size))
        chosen: Any = kind
        return (Pool(chosen, size, strides, options.padding()),)

    return made


def _flatten(options: Options, _: Sequence[Weights], place: Place) -> tuple[Layer, ...]:
    # Told of its order, Keras 2 turns pictures before it flattens them; untold, it does not.
    first = place.channels_first and options.order() != "first" and len(place.seen) == 3
    return (Permute((3, 1, 2)), Flatten()) if first else (Flatten(),)


def _permute(options: Options, _: Sequence[Weights], place: Place) -> tuple[Layer, ...]:
    order = options.first("dims", default=[])
    if place.channels_first or not isinstance(order, list) or {*map(type, order)} != {int}:
        raise options.refusal("turns pictures that have their channels first", order)
    return (Permute(tuple(order)),)


def _reshape(options: Options, arrays: Sequence[Weights], place: Place) -> tuple[Layer, ...]:
    target = options.first("target_shape", default=[])
    seen = place.seen
    if place.channels_first and len(seen) == 3:
        seen = (seen[2], seen[0], seen[1])
    count = math.prod(seen)
    if isinstance(target, list) and all(type(each) is int for each in target):
        if len(target) == 1 and target[0] in (-1, count):
            return _flatten(Options(options.who, {}, options.release), arrays, place)
        if tuple(target) == seen:
            return ()
    raise options.refusal("reshapes to something else than a row of values", target)


_KINDS: Final[dict[str, Callable[[Options, Sequence[Weights], Place], tuple[Layer, ...]]]] = {
    **dict.fromkeys(("Conv2D", "Convolution2D"), _conv),
    "Dense": _dense,
    **dict.fromkeys(("BatchNormalization", "BatchNormalizationV1"), _normalize),
    **dict.fromkeys(("MaxPooling2D", "MaxPool2D"), _pool("max")),
    **dict.fromkeys(("AveragePooling2D", "AvgPool2D"), _pool("average")),
    **dict.fromkeys(
        ("GlobalAveragePooling2D", "GlobalAvgPool2D"), lambda *_: (GlobalPool("average"),)
    ),
    **dict.fromkeys(("GlobalMaxPooling2D", "GlobalMaxPool2D"), lambda *_: (GlobalPool("max"),)),
    "Flatten": _flatten,
    "Reshape": _reshape,
    "Permute": _permute,
    "Cropping2D": lambda options, *_: (Crop(*options.edges("cropping", [[0, 0], [0, 0]])),),
    "ZeroPadding2D": lambda options, *_: (Pad(*options.edges("padding", 1)),),
    "Rescaling": lambda options, *_: (
        Scale(options.number("scale", default=1.0), options.number("offset", default=0.0)),
    ),
    "Resizing": lambda options, *_: (_resize(options),),
}
_BENT: Final = frozenset({"Conv2D", "Convolution2D", "Dense"})


def _resize(options: Options) -> Resize:
    if options.first("interpolation", default="bilinear") != "bilinear" or options.first(
        "crop_to_aspect_ratio", "pad_to_aspect_ratio", "antialias", default=False
    ):
        raise options.refusal(
            "resizes in another way than linearly", options.config.get("interpolation")
        )
    size = Options(options.who, {"size": [options.first("height"), options.first("width")]}, 3)
    return Resize(*size.pair("size", default=None))
