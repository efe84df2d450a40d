"""Builds the networks of networks.toml. It uses only Keras, so it runs on all of its backends."""

from __future__ import annotations

from collections import Counter
from typing import Any

import keras

from contract.frames import spec
from contract.train_config import DEFAULT_NETWORK
from trainer.graph.squeeze_excitation import LapwingSqueezeExcitation
from trainer.training.networks import NetworkRow, find_network


def build(
    name: str = DEFAULT_NETWORK, dtype: str | None = None, *, learn_speed: bool = False
) -> keras.Sequential:
    """Return an untrained network: uint8 RGB (n, 128, 128, 3) → steering (n, 1), about -1..1.

    With `learn_speed`, its last layer has a second unit, and the output is (n, 2): the steering,
    and the speed in contract.policy.answer.SPEED_UNIT_MPH.

    Cropping, scaling and resizing are layers of the network, so its input needs no other
    preparation than `contract.frames.preprocess.prepare`.

    Args:
        name: name of the network in networks.toml.
        dtype: a policy such as "mixed_bfloat16"; None takes Keras's default.
        learn_speed: whether the network answers a speed, too.

    Raises:
        TrainingError: there is no such network.
    """
    network = find_network(name)
    used = Counter(row.kind for row in network.rows)
    seen: Counter[str] = Counter()
    layers = [keras.Input(spec.SHAPE, dtype="uint8", name="frame")]
    for row in network.rows:
        seen[row.kind] += 1
        label = row.kind.replace("-", "_")
        # Keras's names go into files and pictures: those of the default network stay as they were.
        label = {"crop": "cropping", "scale": "scaling", "resize": "resizing"}.get(label, label)
        if used[row.kind] > 1:
            label = f"{label}_{seen[row.kind]}"
        if row.kind == "steering" and learn_speed:
            # Both share all layers before the last: a bend is slow because it is steep.
            layers.append(keras.layers.Dense(2, name="steering_and_speed", dtype="float32"))
        else:
            layers.append(_layer(row, label, network.activation, dtype))
    return keras.Sequential(layers, name=name.replace("-", "_"))


def _layer(row: NetworkRow, name: str, activation: str, dtype: str | None) -> Any:  # noqa: ANN401 - Keras publishes no types
    layers = keras.layers
    if row.kind == "crop":
        rows = (row.integer("top"), row.integer("bottom"))
        return layers.Cropping2D((rows, (0, 0)), name=name, dtype=dtype)
    # Pixels and the answer are float32 with any policy. In bfloat16, 1/127.5 itself would be 0.4 %
    # too large, and the steering too coarse.
    if row.kind == "scale":
        return layers.Rescaling(1 / 127.5, offset=-1.0, name=name, dtype="float32")
    if row.kind == "resize":
        return layers.Resizing(
            row.integer("height"), row.integer("width"), name=name, dtype="float32"
        )
    if row.kind == "steering":
        return layers.Dense(1, name=name, dtype="float32")
    if row.kind == "conv":
        return layers.Conv2D(
            row.integer("filters"),
            row.integer("size"),
            strides=row.integer("stride"),
            activation=activation,
            name=name,
            dtype=dtype,
        )
    if row.kind == "squeeze-excitation":
        return LapwingSqueezeExcitation(row.integer("units"), name=name, dtype=dtype)
    if row.kind == "dropout":
        return layers.Dropout(row.values["rate"], name=name, dtype=dtype)
    if row.kind == "flatten":
        return layers.Flatten(name=name, dtype=dtype)
    return layers.Dense(row.integer("units"), activation=activation, name=name, dtype=dtype)
