"""Squeeze-and-excitation as a layer of Keras, which has none of its own."""

from __future__ import annotations

from typing import Any

import keras


class LapwingSqueezeExcitation(keras.layers.Layer):
    """Weighs each channel of images (n, height, width, channels) by the means of all channels.

    Its formula is that of `layers.SqueezeExcite`. The name is not one that other authors give to
    layers of theirs: an import takes it for this formula.

    Args:
        units: number of units to which the means are reduced.
    """

    def __init__(self, units: int, **arguments: Any) -> None:  # noqa: ANN401 - those of Keras
        super().__init__(**arguments)
        self.units = units

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Make the weights; Keras calls this with the shape of the first input."""
        channels = input_shape[-1]
        for name, inputs, outputs in (
            ("reduce", channels, self.units),
            ("expand", self.units, channels),
        ):
            kernel = self.add_weight(shape=(inputs, outputs), name=f"{name}_kernel")
            bias = self.add_weight(shape=(outputs,), initializer="zeros", name=f"{name}_bias")
            setattr(self, f"_{name}", (kernel, bias))
        self.built = True

    def call(self, inputs: Any) -> Any:  # noqa: ANN401 - a tensor of the backend
        """Return the images with their channels weighed."""
        ops = keras.ops
        (reduce_kernel, reduce_bias), (expand_kernel, expand_bias) = self._reduce, self._expand
        means = ops.mean(inputs, axis=(1, 2))
        hidden = ops.relu(ops.matmul(means, reduce_kernel) + reduce_bias)
        gates = ops.sigmoid(ops.matmul(hidden, expand_kernel) + expand_bias)
        return inputs * gates[:, None, None, :]

    def get_config(self) -> dict[str, Any]:
        """Return what a file says of the layer."""
        return {**super().get_config(), "units": self.units}
