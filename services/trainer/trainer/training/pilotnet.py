"""Builds the network: the "Nvidia-like" CNN of the write-up, with 252,219 parameters.

It follows Bojarski et al., End to End Learning for Self-Driving Cars (2016), with the sizes of the
write-up: docs/walk.md. It uses only Keras, so it runs on TensorFlow, JAX and PyTorch.
"""

from __future__ import annotations

from typing import Final

import keras

INPUT_SHAPE: Final = (128, 128, 3)
CROP_TOP: Final = 43
"""Rows of sky and trees; the write-up calls them its bottom crop."""
CROP_BOTTOM: Final = 12
"""Rows of the car's bonnet."""
DROPOUT: Final = 0.5


def build(dtype: str | None = None) -> keras.Model:
    """Return an untrained network: uint8 RGB (n, 128, 128, 3) → steering (n, 1), about -1..1.

    Cropping and scaling are layers of the network, so its input needs no other preparation than
    `contract.frames.preprocess.prepare`. `dtype` is a policy such as "mixed_bfloat16"; None takes
    Keras's default.
    """
    layers = keras.layers

    def conv(filters: int, size: int, stride: int, name: str) -> keras.layers.Layer:
        return layers.Conv2D(
            filters, size, strides=stride, activation="elu", name=name, dtype=dtype
        )

    def dense(units: int, name: str) -> keras.layers.Layer:
        return layers.Dense(units, activation="elu", name=name, dtype=dtype)

    crop = ((CROP_TOP, CROP_BOTTOM), (0, 0))
    return keras.Sequential(
        [
            keras.Input(INPUT_SHAPE, dtype="uint8", name="frame"),
            layers.Cropping2D(crop, name="cropping", dtype=dtype),
            # float32 with any policy: in bfloat16, 1/127.5 itself would be 0.4 % too large.
            layers.Rescaling(1 / 127.5, offset=-1.0, name="scaling", dtype="float32"),
            conv(24, 5, 2, "conv_1"),
            conv(36, 5, 2, "conv_2"),
            conv(48, 5, 2, "conv_3"),
            conv(64, 3, 1, "conv_4"),
            conv(64, 3, 1, "conv_5"),
            layers.Dropout(DROPOUT, name="dropout_1", dtype=dtype),
            layers.Flatten(name="flatten", dtype=dtype),
            dense(100, "dense_1"),
            layers.Dropout(DROPOUT, name="dropout_2", dtype=dtype),
            dense(50, "dense_2"),
            dense(10, "dense_3"),
            # float32 with any policy: steering in half precision would be too coarse.
            layers.Dense(1, name="steering", dtype="float32"),
        ],
        name="nvidia_like",
    )
