"""A small network with dropout, whose random numbers are a part of the state of its training."""

import keras


def network(policy: str = "float32") -> keras.Model:
    """Return the network, untrained and always with the same weights."""
    keras.utils.set_random_seed(1)
    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input((4, 4, 3), dtype="uint8"),
            layers.Rescaling(1 / 255, dtype="float32"),
            layers.Flatten(dtype=policy),
            layers.Dense(8, activation="elu", dtype=policy),
            layers.Dropout(0.5, dtype=policy),
            layers.Dense(1, dtype="float32"),
        ]
    )


def mixed() -> keras.Model:
    """Return the network so that it computes in bfloat16."""
    return network("mixed_bfloat16")
