"""The outline of a network: its shapes from layer to layer."""

from __future__ import annotations

from trainer.graph.layers import Activate, Network
from trainer.graph.shapes import Shape, fit


def check(network: Network) -> Shape:
    """Follow a network's shapes from its input to its output, which is returned.

    Raises:
        ModelError: a layer does not fit what comes before it.
    """
    shape = fit(network.input_shape)
    for layer in network.layers:
        shape = layer.shape(shape)
    return shape


def described(network: Network) -> list[str]:
    """Say each layer in a few words, with the shape it makes."""
    found, shape = [], network.input_shape
    for layer in network.layers:
        shape = layer.shape(shape)
        name = layer.function if isinstance(layer, Activate) else type(layer).__name__.lower()
        found.append(f"{name} {' x '.join(map(str, shape))}")
    return found
