"""Reads the configuration of one layer, as Keras 1, 2 or 3 wrote it.

Keras 1 said nb_filter, nb_row, nb_col, subsample, border_mode, dim_ordering, bias, p; Keras 2 and 3
say filters, kernel_size, strides, padding, data_format, use_bias, rate.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final, Literal

from contract.errors import ModelError
from trainer.graph.layers import ACTIVATIONS, Activation, Rescale
from trainer.graph.shapes import Padding

MAX_SIZE: Final = 4096
"""Maximum size of a window, a stride or an edge; driving networks need much less."""

ACTIVATION_ALIASES: Final = {"linear": None, "swish": "silu"}
"""Other names of activations; None means that the activation does nothing."""


class LayerConfig:
    """The configuration of one layer; its errors name the layer.

    Args:
        layer: the layer as messages name it.
        config: its dictionary from the file.
        release: major release of Keras that wrote the file.
    """

    def __init__(self, layer: str, config: Mapping[str, Any], release: int) -> None:
        self.layer, self.config, self.release = layer, config, release

    def error(self, problem: str, got: object, remedy: str = "") -> ModelError:
        """Return the error that says what is wrong with this layer."""
        return ModelError(f"{self.layer} {problem}", got=got, remedy=remedy)

    def get(self, *names: str, default: object = None) -> Any:  # noqa: ANN401 - JSON
        """Return the value of the first of these options that is present."""
        for name in names:
            if self.config.get(name) is not None:
                return self.config[name]
        return default

    def number(self, *names: str, default: float) -> float:
        """Return a finite number; Keras 2 may have written it as an array without dimensions."""
        value = self.get(*names, default=default)
        if isinstance(value, dict):
            value = value.get("value", value)
        if not isinstance(value, int | float) or not math.isfinite(value):
            raise self.error(f"has a {names[0]} that is not a number", value)
        return float(value)

    def pair(self, *names: str, default: object) -> tuple[int, int]:
        """Return two integers of at least 1; the file may give one for both."""
        value = self.get(*names, default=default)
        pair = value if isinstance(value, list | tuple) else [value, value]
        if len(pair) == 1:
            pair = [pair[0], pair[0]]
        if len(pair) != 2 or not all(type(size) is int and 1 <= size <= MAX_SIZE for size in pair):
            raise self.error(f"has an impossible {names[0]}", value)
        return pair[0], pair[1]

    def edges(self, name: str, default: object) -> tuple[int, int, int, int]:
        """Return top, bottom, left and right.

        The file may give n, [rows, columns], [[t, b], [l, r]] or [t, b, l, r].
        """
        value = self.config.get(name, default)
        if isinstance(value, int):
            value = [value, value]
        if isinstance(value, list) and len(value) == 2:
            value = [side if isinstance(side, list) else [side, side] for side in value]
            value = [number for side in value for number in side]
        if isinstance(value, dict):  # Keras 1 wrote top_pad, bottom_pad, …
            value = [value.get(f"{side}_pad", 0) for side in ("top", "bottom", "left", "right")]
        if (
            not isinstance(value, list)
            or len(value) != 4
            or not all(type(size) is int and 0 <= size <= MAX_SIZE for size in value)
        ):
            raise self.error(f"has an impossible {name}", value)
        return value[0], value[1], value[2], value[3]

    def padding(self) -> Padding:
        """Return "valid" or "same"."""
        value = self.get("padding", "border_mode", default="valid")
        if value == "valid":
            return "valid"
        if value == "same":
            return "same"
        raise self.error("has a padding other than valid and same", value)

    def channel_order(self) -> Literal["first", "last", ""]:
        """Return whether images have their channels first or last; "" if the layer does not say."""
        value = self.get("data_format", "dim_ordering", default="")
        orders: dict[object, Literal["first", "last", ""]] = {
            "channels_first": "first",
            "th": "first",
            "channels_last": "last",
            "tf": "last",
            "": "",
            "default": "",
        }
        if value not in orders:
            raise self.error("has an unknown order of channels", value)
        return orders[value]

    def activation(self) -> tuple[Activation | Rescale, ...]:
        """Return the activation in a layer's configuration; often there is none."""
        value = self.config.get("activation")
        if value is None:
            return ()
        if isinstance(value, dict):  # Keras 3 may write functions and layers as dictionaries
            inner = value.get("config")
            if isinstance(inner, dict) and "class_name" in value:
                return activation_layer(
                    str(value["class_name"]), LayerConfig(self.layer, inner, self.release)
                )
            value = inner
        if not isinstance(value, str):
            raise self.error("has an activation that is not a name", value)
        return self.function(value)

    def function(self, name: str) -> tuple[Activation | Rescale, ...]:
        """Return the layers for the name of an activation."""
        word = ACTIVATION_ALIASES.get(name.lower(), name.lower())
        if word is None:
            return ()
        if word == "relu6":
            return (Activation("relu", max_value=6.0),)
        if word == "leaky_relu":
            return (Activation("relu", negative_slope=0.2),)
        if word == "hard_sigmoid":
            # Keras 3 adopted the definition of PyTorch, which is flatter.
            slope = 1 / 6 if self.release >= 3 else 0.2
            return (Rescale(slope, 0.5), Activation("relu", max_value=1.0))
        if word == "softmax":
            raise self.error(
                "is a classifier, with a softmax",
                name,
                "A steering is one number; classifiers of steering bins are not supported",
            )
        if word not in ACTIVATIONS:
            raise self.error("has an unknown activation", name, f"Known: {', '.join(ACTIVATIONS)}")
        return (Activation(word),)


def activation_layer(class_name: str, config: LayerConfig) -> tuple[Activation | Rescale, ...]:
    """Return the layers for an activation that is a Keras layer of its own.

    Raises:
        ModelError: the class is none of Activation, ELU, LeakyReLU and ReLU, or has an option that
            is not supported.
    """
    if class_name == "Activation":
        return config.activation()
    if class_name == "ELU":
        return (Activation("elu", alpha=config.number("alpha", default=1.0)),)
    if class_name == "LeakyReLU":
        slope = config.number("negative_slope", "alpha", default=0.3)
        return (Activation("relu", negative_slope=slope),)
    if class_name == "ReLU":
        if config.number("threshold", default=0.0):
            raise config.error(
                "has a threshold, which is not supported", config.config["threshold"]
            )
        slope = config.number("negative_slope", default=0.0)
        if config.get("max_value") is None:
            return (Activation("relu", negative_slope=slope),)
        max_value = config.number("max_value", default=0.0)
        return (Activation("relu", negative_slope=slope, max_value=max_value),)
    raise config.error("is not a known activation", class_name)
