"""Lets a training compute with the rows that a network looks at, and read no others.

Published networks take whole frames and crop them in their first layer. Reading, varying and moving
the cropped rows to the device would be for nothing, so a training computes with the other layers
alone. They are the same layers, with the same weights.
"""

from __future__ import annotations

import keras

from contract.frames import spec
from contract.frames.row_range import ALL_ROWS, RowRange


def visible_rows(network: keras.Sequential) -> RowRange:
    """Return the rows of a frame that a network looks at: those that its first layer leaves.

    A network that does not begin with a crop of rows alone looks at all of them.
    """
    first = network.layers[0]
    if isinstance(first, keras.layers.Cropping2D):
        (top, bottom), sides = first.cropping
        if tuple(sides) == (0, 0):
            return RowRange(top, spec.HEIGHT - bottom)
    return ALL_ROWS


def of(network: keras.Sequential) -> keras.Sequential:
    """Return the network for frames that have only its visible rows, uint8 (n, rows, 128, 3).

    It shares all layers that have weights or states with the network.
    """
    rows = visible_rows(network)
    if rows == ALL_ROWS:
        return network
    frame = keras.Input(rows.shape, dtype="uint8", name="frame")
    return keras.Sequential([frame, *network.layers[1:]], name=network.name)
