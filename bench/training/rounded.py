"""The write-up's network in float32, with all that bfloat16 would round rounded.

An instruction such as VDPBF16PS multiplies bfloat16 and adds up in float32. So a layer in bfloat16
takes rounded inputs and weights, and its result is rounded once. The layers here do this with
instructions of float32, in the forward and in the backward pass: the gradient of a rounding is
rounded too. TensorFlow computes bfloat16 on any CPU, but several times slower than this.
"""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from contract.frames import spec
from trainer.training import network_builder, training_view
from trainer.training.loop import TrainingLoop
from trainer.training.precision import BFLOAT16


def rounded(values: Any) -> Any:  # noqa: ANN401 - a tensor of any backend
    """Return float32 values that are rounded to bfloat16, and so is their gradient."""
    return ops.cast(ops.cast(values, "bfloat16"), "float32")


class RoundedConv2D(keras.layers.Conv2D):
    """A convolution whose operands and results are rounded."""

    def call(self, inputs: Any) -> Any:  # noqa: ANN401
        """Return the activations, float32 with the values of bfloat16."""
        products = ops.conv(rounded(inputs), rounded(self.kernel), self.strides, self.padding)
        return _finish(self, products)


class RoundedDense(keras.layers.Dense):
    """A dense layer whose operands and results are rounded."""

    def call(self, inputs: Any, training: Any = None) -> Any:  # noqa: ANN401
        """Return the activations, float32 with the values of bfloat16."""
        return _finish(self, ops.matmul(rounded(inputs), rounded(self.kernel)))


def _finish(layer: Any, products: Any) -> Any:  # noqa: ANN401
    return rounded(layer.activation(rounded(rounded(products) + rounded(layer.bias))))


def build() -> keras.Model:
    """Return the untrained network; its variables are in the order of `network_builder.build`."""
    plain = network_builder.build(dtype="float32")
    kinds: dict[Any, Any] = {keras.layers.Conv2D: RoundedConv2D, keras.layers.Dense: RoundedDense}
    layers: list[Any] = [keras.Input(spec.SHAPE, dtype="uint8", name="frame")]
    for layer in plain.layers:
        # The last layer is float32 in mixed precision too.
        kind = type(layer) if layer.name == "steering" else kinds.get(type(layer), type(layer))
        layers.append(kind.from_config(layer.get_config()))
    network = keras.Sequential(layers)
    network.set_weights(plain.get_weights())
    return network


class RoundedLoop(TrainingLoop):
    """The training loop with this network, which calls its precision bfloat16."""

    def build(self) -> keras.Model:
        """Return an untrained network for the visible rows."""
        self.state.precision, self.state.precision_reason = BFLOAT16, "rounded in float32"
        return training_view.of(build())
