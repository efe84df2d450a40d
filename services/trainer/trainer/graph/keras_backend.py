"""Builds a Keras network from a NetworkSpec, with its weights as arrays.

This is the trainer's only way from a model file to a Keras network: Keras never opens the file.
"""

from __future__ import annotations

from typing import Any

import keras

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
from trainer.graph.squeeze_excitation import LapwingSqueezeExcitation


def build_model(network: NetworkSpec) -> keras.Model:
    """Return a Sequential model with the weights set."""
    model = keras.Sequential(
        [keras.Input(network.input_shape, dtype=network.input_dtype, name="frame")]
    )
    for layer in network.layers:
        keras_layer = _keras_layer(layer)
        model.add(keras_layer)
        _set_weights(keras_layer, layer)
    return model


def _keras_layer(layer: Layer) -> Any:  # noqa: ANN401 - Keras publishes no types
    """Return the Keras layer without its weights, which `_set_weights` sets."""
    layers = keras.layers
    if isinstance(layer, Crop):
        return layers.Cropping2D(((layer.top, layer.bottom), (layer.left, layer.right)))
    if isinstance(layer, Pad):
        return layers.ZeroPadding2D(((layer.top, layer.bottom), (layer.left, layer.right)))
    if isinstance(layer, Resize):
        return layers.Resizing(layer.height, layer.width, interpolation="bilinear")
    if isinstance(layer, Rescale):
        return layers.Rescaling(layer.scale, offset=layer.offset)
    if isinstance(layer, Conv):
        return layers.Conv2D(
            layer.kernel.shape[3],
            layer.kernel.shape[:2],
            strides=layer.strides,
            padding=layer.padding,
            dilation_rate=layer.dilation,
        )
    if isinstance(layer, Pool):
        pool = layers.MaxPooling2D if layer.kind == "max" else layers.AveragePooling2D
        return pool(layer.size, strides=layer.strides, padding=layer.padding)
    if isinstance(layer, GlobalPool):
        maximum = layer.kind == "max"
        return layers.GlobalMaxPooling2D() if maximum else layers.GlobalAveragePooling2D()
    if isinstance(layer, Permute):
        return layers.Permute(layer.order)
    if isinstance(layer, Flatten):
        return layers.Flatten()
    if isinstance(layer, Dense):
        return layers.Dense(layer.kernel.shape[1])
    if isinstance(layer, BatchNorm):
        return layers.BatchNormalization(axis=layer.axis, epsilon=layer.epsilon)
    if isinstance(layer, SqueezeExcite):
        return LapwingSqueezeExcitation(layer.reduce_kernel.shape[1])
    return _keras_activation(layer)


def _keras_activation(layer: Activation) -> Any:  # noqa: ANN401 - Keras publishes no types
    if layer.function == "elu":
        return keras.layers.ELU(alpha=layer.alpha)
    if layer.function == "relu":
        max_value = layer.max_value if layer.max_value < float("inf") else None
        return keras.layers.ReLU(max_value=max_value, negative_slope=layer.negative_slope)
    return keras.layers.Activation(layer.function)


def _set_weights(keras_layer: Any, layer: Layer) -> None:  # noqa: ANN401 - Keras publishes no types
    if isinstance(layer, Conv | Dense):
        keras_layer.set_weights([layer.kernel, layer.bias])
    elif isinstance(layer, BatchNorm):
        keras_layer.set_weights([layer.gamma, layer.beta, layer.mean, layer.variance])
    elif isinstance(layer, SqueezeExcite):
        keras_layer.set_weights(
            [layer.reduce_kernel, layer.reduce_bias, layer.expand_kernel, layer.expand_bias]
        )
