"""Builds the Keras network of a chain of plain layers: with our code, and the weights as arrays.

The only way from a model file to a Keras network in the trainer: Keras itself is never given one.
"""

from __future__ import annotations

from typing import Any

import keras

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


def build(network: Network) -> keras.Model:
    """Return a Sequential of Keras's own layers, with the weights set."""
    model = keras.Sequential(
        [keras.Input(network.input_shape, dtype=network.input_dtype, name="frame")]
    )
    for layer in network.layers:
        for each in _built(layer):
            model.add(each)
            _fill(each, layer)
    return model


def _built(layer: Layer) -> list[Any]:
    """Return the Keras layers of a plain one; `_fill` sets what weights they have."""
    layers = keras.layers
    if isinstance(layer, Crop):
        return [layers.Cropping2D(((layer.top, layer.bottom), (layer.left, layer.right)))]
    if isinstance(layer, Pad):
        return [layers.ZeroPadding2D(((layer.top, layer.bottom), (layer.left, layer.right)))]
    if isinstance(layer, Resize):
        return [layers.Resizing(layer.height, layer.width, interpolation="bilinear")]
    if isinstance(layer, Scale):
        return [layers.Rescaling(layer.scale, offset=layer.offset)]
    if isinstance(layer, Conv):
        return [
            layers.Conv2D(
                layer.kernel.shape[3],
                layer.kernel.shape[:2],
                strides=layer.strides,
                padding=layer.padding,
                dilation_rate=layer.dilation,
            )
        ]
    if isinstance(layer, Pool):
        pool = layers.MaxPooling2D if layer.kind == "max" else layers.AveragePooling2D
        return [pool(layer.size, strides=layer.strides, padding=layer.padding)]
    if isinstance(layer, GlobalPool):
        maximum = layer.kind == "max"
        return [layers.GlobalMaxPooling2D() if maximum else layers.GlobalAveragePooling2D()]
    if isinstance(layer, Permute):
        return [layers.Permute(layer.order)]
    if isinstance(layer, Flatten):
        return [layers.Flatten()]
    if isinstance(layer, Dense):
        return [layers.Dense(layer.kernel.shape[1])]
    if isinstance(layer, Normalize):
        return [layers.BatchNormalization(axis=layer.axis, epsilon=layer.epsilon)]
    return [_activation(layer)]


def _activation(layer: Activate) -> Any:  # noqa: ANN401 - Keras publishes no types
    if layer.function == "elu":
        return keras.layers.ELU(alpha=layer.alpha)
    if layer.function == "relu":
        ceiling = layer.ceiling if layer.ceiling < float("inf") else None
        return keras.layers.ReLU(max_value=ceiling, negative_slope=layer.slope)
    return keras.layers.Activation(layer.function)


def _fill(built: Any, layer: Layer) -> None:  # noqa: ANN401 - Keras publishes no types
    if isinstance(layer, Conv | Dense):
        built.set_weights([layer.kernel, layer.bias])
    elif isinstance(layer, Normalize):
        built.set_weights([layer.gamma, layer.beta, layer.mean, layer.variance])
