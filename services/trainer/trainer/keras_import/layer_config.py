"""Reads one layer's options, whichever release of Keras spelled them.

Keras 1 said nb_filter, nb_row, nb_col, subsample, border_mode, dim_ordering, bias, p; Keras 2 and 3
say filters, kernel_size, strides, padding, data_format, use_bias, rate.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final, Literal

from contract.errors import ModelError
from trainer.graph.layers import FUNCTIONS, Activate, Scale
from trainer.graph.shapes import Padding

LARGEST: Final = 4096
"""No window, stride or edge of a driving network is larger."""

ALIASES: Final = {"linear": None, "swish": "silu"}


class Options:
    """The configuration of one layer; whatever is refused is said with the layer's name.

    Args:
        who: the layer, in the words of a message.
        config: its dictionary from the file.
        release: the major release of Keras that wrote the file.
    """

    def __init__(self, who: str, config: Mapping[str, Any], release: int) -> None:
        self.who, self.config, self.release = who, config, release

    def refusal(self, what: str, got: object, remedy: str = "") -> ModelError:
        """Return the error that says what is wrong with this layer."""
        return ModelError(f"{self.who} {what}", got=got, remedy=remedy)

    def first(self, *names: str, default: object = None) -> Any:  # noqa: ANN401 - of JSON
        """Return the first of these options that is given."""
        for name in names:
            if self.config.get(name) is not None:
                return self.config[name]
        return default

    def number(self, *names: str, default: float) -> float:
        """Return a finite number, also one that Keras 2 wrote as an array of no dimensions."""
        value = self.first(*names, default=default)
        if isinstance(value, dict):
            value = value.get("value", value)
        if not isinstance(value, int | float) or not math.isfinite(value):
            raise self.refusal(f"has a {names[0]} that is no number", value)
        return float(value)

    def pair(self, *names: str, default: object) -> tuple[int, int]:
        """Return two whole numbers from 1, of which one may stand for both."""
        value = self.first(*names, default=default)
        pair = value if isinstance(value, list | tuple) else [value, value]
        if len(pair) == 1:
            pair = [pair[0], pair[0]]
        if len(pair) != 2 or not all(type(each) is int and 1 <= each <= LARGEST for each in pair):
            raise self.refusal(f"has a {names[0]} that cannot be", value)
        return pair[0], pair[1]

    def edges(self, name: str, default: object) -> tuple[int, int, int, int]:
        """Return top, bottom, left, right of n, [rows, columns], [[t, b], [l, r]], [t, b, l, r]."""
        value = self.config.get(name, default)
        if isinstance(value, int):
            value = [value, value]
        if isinstance(value, list) and len(value) == 2:
            value = [each if isinstance(each, list) else [each, each] for each in value]
            value = [number for each in value for number in each]
        if isinstance(value, dict):  # Keras 1's padding took top_pad, bottom_pad, …
            value = [value.get(f"{each}_pad", 0) for each in ("top", "bottom", "left", "right")]
        if (
            not isinstance(value, list)
            or len(value) != 4
            or not all(type(each) is int and 0 <= each <= LARGEST for each in value)
        ):
            raise self.refusal(f"has a {name} that cannot be", value)
        return value[0], value[1], value[2], value[3]

    def padding(self) -> Padding:
        """Return "valid" or "same"."""
        value = self.first("padding", "border_mode", default="valid")
        if value == "valid":
            return "valid"
        if value == "same":
            return "same"
        raise self.refusal("has a padding other than valid and same", value)

    def order(self) -> Literal["first", "last", ""]:
        """Return where pictures have their channels; "" if the layer does not say."""
        value = self.first("data_format", "dim_ordering", default="")
        orders: dict[object, Literal["first", "last", ""]] = {
            "channels_first": "first",
            "th": "first",
            "channels_last": "last",
            "tf": "last",
            "": "",
            "default": "",
        }
        if value not in orders:
            raise self.refusal("has its channels where they cannot be", value)
        return orders[value]

    def activation(self) -> tuple[Activate | Scale, ...]:
        """Return the activation that a layer has besides what it does itself; often none."""
        value = self.config.get("activation")
        if value is None:
            return ()
        if isinstance(value, dict):  # Keras 3 may write functions and layers as dictionaries
            inner = value.get("config")
            if isinstance(inner, dict) and "class_name" in value:
                return advanced(str(value["class_name"]), Options(self.who, inner, self.release))
            value = inner
        if not isinstance(value, str):
            raise self.refusal("has an activation that is no name", value)
        return self.function(value)

    def function(self, name: str) -> tuple[Activate | Scale, ...]:
        """Return the activation of a name."""
        word = ALIASES.get(name.lower(), name.lower())
        if word is None:
            return ()
        if word == "relu6":
            return (Activate("relu", ceiling=6.0),)
        if word == "leaky_relu":
            return (Activate("relu", slope=0.2),)
        if word == "hard_sigmoid":
            # Keras 3 took over PyTorch's, which is flatter.
            return (Scale(1 / 6 if self.release >= 3 else 0.2, 0.5), Activate("relu", ceiling=1.0))
        if word == "softmax":
            raise self.refusal(
                "tells classes apart, with a softmax",
                name,
                "A steering is one number; a classifier of steering bins is not understood",
            )
        if word not in FUNCTIONS:
            raise self.refusal(
                "has an activation that is not known", name, f"Known: {', '.join(FUNCTIONS)}"
            )
        return (Activate(word),)


def advanced(kind: str, options: Options) -> tuple[Activate | Scale, ...]:
    """Return the activation that is a layer of its own.

    Raises:
        ModelError: it is none of Activation, ELU, LeakyReLU and ReLU, or has odd options.
    """
    if kind == "Activation":
        return options.activation()
    if kind == "ELU":
        return (Activate("elu", alpha=options.number("alpha", default=1.0)),)
    if kind == "LeakyReLU":
        slope = options.number("negative_slope", "alpha", default=0.3)
        return (Activate("relu", slope=slope),)
    if kind == "ReLU":
        if options.number("threshold", default=0.0):
            raise options.refusal(
                "has a threshold, which is not understood", options.config["threshold"]
            )
        slope = options.number("negative_slope", default=0.0)
        if options.first("max_value") is None:
            return (Activate("relu", slope=slope),)
        return (Activate("relu", slope=slope, ceiling=options.number("max_value", default=0.0)),)
    raise options.refusal("is no activation that is known", kind)
