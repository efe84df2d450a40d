"""The feature maps of a network's convolutions: what each filter answers, and where."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from trainer.graph import numpy_backend
from trainer.graph.layers import Activate, Conv, Crop, Layer, Network, Normalize, Pad, Resize, Scale

Values = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Stage:
    """A convolution of a chain."""

    conv: int
    """Its number in the chain, from 0."""
    maps: int
    """The number of the layer whose values are its maps: of its non-linearity, if it has one."""


def stages(network: Network) -> list[Stage]:
    """Return the convolutions, in order.

    Of one pixel each before any that sees a pixel's neighbours are left out: they mix colours
    (`preparation`), and find nothing.
    """
    found: list[Stage] = []
    for number, layer in enumerate(network.layers):
        if isinstance(layer, Conv) and (found or layer.kernel.shape[:2] != (1, 1)):
            found.append(Stage(number, _bent(network.layers, number)))
    return found


def _bent(layers: tuple[Layer, ...], conv: int) -> int:
    """Return the number of a convolution's non-linearity, or its own."""
    for number in range(conv + 1, len(layers)):
        if isinstance(layers[number], Activate):
            return number
        if not isinstance(layers[number], Normalize | Scale):
            break
    return conv


def trace(network: Network, samples: npt.NDArray[np.generic]) -> list[Values]:
    """Return what each layer makes of samples (n, *network.input_shape): values (n, …)."""
    values, found = samples.astype(np.float32), []
    for layer in network.layers:
        values = numpy_backend.apply(layer, values)
        found.append(values)
    return found


def seen(network: Network, pictures: npt.NDArray[np.generic]) -> Values:
    """Return of pictures (n, height, width, …) what goes into the first convolution.

    Only cut and resized as the network does it, so that colours stay what they are.
    """
    found = stages(network)
    values = pictures.astype(np.float32)
    for layer in network.layers[: found[0].conv if found else 0]:
        if isinstance(layer, Crop | Pad | Resize):
            values = numpy_backend.apply(layer, values)
    return values


def box(network: Network) -> tuple[float, float, float, float]:
    """Return which pixels of the input that is: first and last row, first and last column."""
    high, wide, _ = network.input_shape
    # Counted from 1: padding brings zeros.
    places = np.moveaxis(np.indices((high, wide)) + 1, 0, -1)
    rows, columns = seen(network, places[None])[0].transpose(2, 0, 1)
    inside = (rows > 0) & (columns > 0)
    return (
        float(rows[inside].min()) - 1,
        float(rows[inside].max()) - 1,
        float(columns[inside].min()) - 1,
        float(columns[inside].max()) - 1,
    )
