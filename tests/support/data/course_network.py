"""The network that most self-driving courses teach, in Keras 3: NVIDIA's, for 160 x 320 pixels."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

PICTURES = np.random.default_rng(7).integers(0, 256, (2, 160, 320, 3)).astype(np.float32)


def build(units: int = 100, *, compiled: bool = False) -> Any:
    """Return the network with a number of units in its first dense layer.

    If it is compiled, a file also holds the state of Adam, which is twice the weights.
    """
    layers = keras.layers
    keras.utils.set_random_seed(2)
    network = keras.Sequential(
        [
            keras.Input((160, 320, 3)),
            layers.Lambda(lambda x: x / 127.5 - 1.0),
            layers.Cropping2D(((70, 25), (0, 0))),
            layers.Conv2D(24, 5, strides=2, activation="relu"),
            layers.Conv2D(36, 5, strides=2, activation="relu"),
            layers.Conv2D(48, 5, strides=2, activation="relu"),
            layers.Conv2D(64, 3, activation="relu"),
            layers.Conv2D(64, 3, activation="relu"),
            layers.Flatten(),
            layers.Dense(units),
            layers.Dense(50),
            layers.Dense(10),
            layers.Dense(1),
        ]
    )
    if compiled:
        network.compile("adam", "mse")
        network.optimizer.build(network.trainable_variables)
    return network
