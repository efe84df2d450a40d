"""Computes the feature maps of a network's convolutions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from trainer.graph import numpy_backend
from trainer.graph.layers import (
    Activation,
    BatchNorm,
    Conv,
    Crop,
    Layer,
    NetworkSpec,
    Pad,
    Rescale,
    Resize,
)

Values = npt.NDArray[np.float32]


@dataclass(frozen=True)
class ConvStage:
    """A convolution of a network."""

    conv: int
    """Index of its layer."""
    maps: int
    """Index of the layer whose output is its maps: its activation, if it has one."""


def conv_stages(network: NetworkSpec) -> list[ConvStage]:
    """Return the convolutions, in order.

    Convolutions of 1 x 1 before all larger ones are left out: they convert colours
    (`input_pipeline`) and detect nothing.
    """
    stages: list[ConvStage] = []
    for number, layer in enumerate(network.layers):
        if isinstance(layer, Conv) and (stages or layer.kernel.shape[:2] != (1, 1)):
            stages.append(ConvStage(number, _activation_index(network.layers, number)))
    return stages


def _activation_index(layers: tuple[Layer, ...], conv: int) -> int:
    """Return the index of a convolution's activation, or its own if it has none."""
    for number in range(conv + 1, len(layers)):
        if isinstance(layers[number], Activation):
            return number
        if not isinstance(layers[number], BatchNorm | Rescale):
            break
    return conv


def layer_outputs(network: NetworkSpec, samples: npt.NDArray[np.generic]) -> list[Values]:
    """Return the output of each layer, (n, …), for samples (n, *network.input_shape)."""
    values, outputs = samples.astype(np.float32), []
    for layer in network.layers:
        values = numpy_backend.apply(layer, values)
        outputs.append(values)
    return outputs


def conv_input(network: NetworkSpec, images: npt.NDArray[np.generic]) -> Values:
    """Return images (n, height, width, …) as they enter the first convolution.

    They are only cropped, padded and resized as in the network, so that their colours stay.
    """
    stages = conv_stages(network)
    values = images.astype(np.float32)
    for layer in network.layers[: stages[0].conv if stages else 0]:
        if isinstance(layer, Crop | Pad | Resize):
            values = numpy_backend.apply(layer, values)
    return values


def conv_input_box(network: NetworkSpec) -> tuple[float, float, float, float]:
    """Return the input pixels that reach the first convolution.

    Returns:
        First and last row, first and last column.
    """
    high, wide, _ = network.input_shape
    # The pixels count from 1, since padding adds zeros.
    positions = np.moveaxis(np.indices((high, wide)) + 1, 0, -1)
    rows, columns = conv_input(network, positions[None])[0].transpose(2, 0, 1)
    inside = (rows > 0) & (columns > 0)
    return (
        float(rows[inside].min()) - 1,
        float(rows[inside].max()) - 1,
        float(columns[inside].min()) - 1,
        float(columns[inside].max()) - 1,
    )
