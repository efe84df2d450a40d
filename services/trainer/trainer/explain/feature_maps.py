"""The feature maps of a network's convolutions: what each filter answers, and where."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from trainer.graph import numpy_backend
from trainer.graph.layers import Activation, Conv, Crop, Layer, NetworkSpec, BatchNorm, Pad, Resize, Rescale

Values = npt.NDArray[np.float32]


@dataclass(frozen=True)
class ConvStage:
    """A convolution of a chain."""

    conv: int
    """Its number in the chain, from 0."""
    maps: int
    """The number of the layer whose values are its maps: of its non-linearity, if it has one."""


def conv_stages(network: NetworkSpec) -> list[ConvStage]:
    """Return the convolutions, in order.

    Of one pixel each before any that sees a pixel's neighbours are left out: they mix colours
    (`preparation`), and find nothing.
    """
    found: list[ConvStage] = []
    for number, layer in enumerate(network.layers):
        if isinstance(layer, Conv) and (found or layer.kernel.shape[:2] != (1, 1)):
            found.append(ConvStage(number, _activation_index(network.layers, number)))
    return found


def _activation_index(layers: tuple[Layer, ...], conv: int) -> int:
    """Return the number of a convolution's non-linearity, or its own."""
    for number in range(conv + 1, len(layers)):
        if isinstance(layers[number], Activation):
            return number
        if not isinstance(layers[number], BatchNorm | Rescale):
            break
    return conv


def layer_outputs(network: NetworkSpec, samples: npt.NDArray[np.generic]) -> list[Values]:
    """Return what each layer makes of samples (n, *network.input_shape): values (n, …)."""
    values, found = samples.astype(np.float32), []
    for layer in network.layers:
        values = numpy_backend.apply(layer, values)
        found.append(values)
    return found


def conv_input(network: NetworkSpec, pictures: npt.NDArray[np.generic]) -> Values:
    """Return of pictures (n, height, width, …) what goes into the first convolution.

    Only cut and resized as the network does it, so that colours stay what they are.
    """
    found = conv_stages(network)
    values = pictures.astype(np.float32)
    for layer in network.layers[: found[0].conv if found else 0]:
        if isinstance(layer, Crop | Pad | Resize):
            values = numpy_backend.apply(layer, values)
    return values


def conv_input_box(network: NetworkSpec) -> tuple[float, float, float, float]:
    """Return which pixels of the input that is: first and last row, first and last column."""
    high, wide, _ = network.input_shape
    # Counted from 1: padding brings zeros.
    places = np.moveaxis(np.indices((high, wide)) + 1, 0, -1)
    rows, columns = conv_input(network, places[None])[0].transpose(2, 0, 1)
    inside = (rows > 0) & (columns > 0)
    return (
        float(rows[inside].min()) - 1,
        float(rows[inside].max()) - 1,
        float(columns[inside].min()) - 1,
        float(columns[inside].max()) - 1,
    )
