"""The network: the write-up's "Nvidia-like" CNN, of 252,219 parameters.

After Bojarski et al., End to End Learning for Self-Driving Cars (2016), with the write-up's sizes:
docs/walk.md. Written in Keras alone, so it runs on TensorFlow, JAX and PyTorch.
"""

from __future__ import annotations

from typing import Final

import keras

INPUT_SHAPE: Final = (128, 128, 3)
CROP_TOP: Final = 43
"""Rows of sky and trees; the write-up calls this its bottom crop."""
CROP_BOTTOM: Final = 12
"""Rows of bonnet."""
DROPOUT: Final = 0.5


def build(dtype: str | None = None) -> keras.Model:
    """Return an untrained network: uint8 RGB (n, 128, 128, 3) → steering (n, 1), about -1..1.

    Cropping and scaling are its own layers, so whoever has the file needs no other preparation than
    `contract.frames.preprocess.prepare`. `dtype` is a policy such as "mixed_bfloat16"; None takes
    Keras's.
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
            layers.Rescaling(1 / 127.5, offset=-1.0, name="scaling", dtype=dtype),
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
            # float32 whatever the policy: a steering in half precision would come in steps.
            layers.Dense(1, name="steering", dtype="float32"),
        ],
        name="nvidia_like",
    )
