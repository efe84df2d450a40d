from __future__ import annotations

import numpy as np
import pytest
from support.data import model_files


@pytest.fixture(scope="module")
def expected() -> np.ndarray:
    """Return the steering of Keras 3, with the same weights in its own layers."""
    import keras

    layers = keras.layers
    network = keras.Sequential(
        [
            keras.Input((20, 40, 3)),
            layers.Rescaling(1 / 127.5, offset=-1.0),
            layers.Conv2D(4, 3, strides=2, activation="elu"),
            layers.MaxPooling2D(2),
            layers.Flatten(),
            layers.Dense(5, activation="tanh"),
            layers.Dense(1),
        ]
    )
    described = model_files.driver(2)
    network.set_weights([array for _, _, arrays in described for array in arrays])
    return np.asarray(network.predict_on_batch(model_files.PICTURES))
