from typing import Any

import keras
import numpy as np
import pytest

from contract.errors import ModelError
from trainer.graph import numpy_backend
from trainer.keras_import import layer_config
from trainer.keras_import.layer_config import LayerConfig

VALUES = np.linspace(-6, 6, 49, dtype=np.float32)[None]


def options(release: int = 2, **config: Any) -> LayerConfig:
    return LayerConfig("the layer a (B)", config, release)


@pytest.mark.parametrize(
    "name",
    [
        "linear",
        "relu",
        "relu6",
        "elu",
        "selu",
        "tanh",
        "sigmoid",
        "hard_sigmoid",
        "softplus",
        "softsign",
        "swish",
        "silu",
        "exponential",
        "leaky_relu",
    ],
)
def test_activations_are_those_of_keras_3(name: str) -> None:
    found = VALUES
    for each in options(3, activation=name).activation():
        found = numpy_backend.apply(each, found)
    expected = np.asarray(keras.activations.get(name)(VALUES))
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


def test_keras_2_had_a_steeper_hard_sigmoid() -> None:
    """The documentation of Keras 2 defines it as max(0, min(1, 0.2 x + 0.5))."""
    found = VALUES
    for each in options(2, activation="hard_sigmoid").activation():
        found = numpy_backend.apply(each, found)
    np.testing.assert_allclose(found, np.clip(0.2 * VALUES + 0.5, 0, 1), atol=1e-6)


@pytest.mark.parametrize(
    ("kind", "config", "layer"),
    [
        ("ELU", {"alpha": 0.5}, keras.layers.ELU(alpha=0.5)),
        ("ELU", {"alpha": {"type": "ndarray", "value": 0.5}}, keras.layers.ELU(alpha=0.5)),
        ("ELU", {}, keras.layers.ELU()),
        ("LeakyReLU", {"alpha": 0.1}, keras.layers.LeakyReLU(negative_slope=0.1)),
        ("LeakyReLU", {"negative_slope": 0.1}, keras.layers.LeakyReLU(negative_slope=0.1)),
        ("LeakyReLU", {}, keras.layers.LeakyReLU()),
        (
            "ReLU",
            {"max_value": 3.0, "negative_slope": 0.2, "threshold": 0.0},
            keras.layers.ReLU(max_value=3.0, negative_slope=0.2),
        ),
        ("Activation", {"activation": "tanh"}, keras.layers.Activation("tanh")),
    ],
)
def test_activations_that_are_layers_are_read(
    kind: str, config: dict[str, Any], layer: Any
) -> None:
    (found,) = layer_config.activation_layer(kind, options(**config))
    np.testing.assert_allclose(
        numpy_backend.apply(found, VALUES), np.asarray(layer(VALUES)), rtol=1e-5, atol=1e-6
    )


def test_an_activation_may_be_a_dictionary() -> None:
    function = {"module": "builtins", "class_name": "function", "config": "tanh"}
    layer = {"class_name": "ELU", "config": {"alpha": 0.5}}
    assert options(activation=function).activation() == options(activation="tanh").activation()
    assert options(activation=layer).activation() == layer_config.activation_layer(
        "ELU", options(alpha=0.5)
    )


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (3, (3, 3, 3, 3)),
        ([1, 2], (1, 1, 2, 2)),
        ([[70, 25], [0, 4]], (70, 25, 0, 4)),
        ([1, 2, 3, 4], (1, 2, 3, 4)),
        ({"top_pad": 1, "bottom_pad": 2, "left_pad": 3, "right_pad": 4}, (1, 2, 3, 4)),
    ],
)
def test_edges_are_read_in_all_their_forms(value: Any, expected: tuple[int, ...]) -> None:
    assert options(cropping=value).edges("cropping", 0) == expected


@pytest.mark.parametrize("value", [-1, "a", [1], [1, 2, 3], [[1], [2]], 10**6, 1.5, None])
def test_impossible_edges_are_refused(value: Any) -> None:
    with pytest.raises(ModelError, match=r"the layer a \(B\) has an impossible cropping"):
        options(cropping=value).edges("cropping", None)


@pytest.mark.parametrize("value", [0, -1, "3", [1, 2, 3], 10**9, 1.5, None])
def test_impossible_pairs_are_refused(value: Any) -> None:
    with pytest.raises(ModelError, match=r"the layer a \(B\) has an impossible strides"):
        options(strides=value).pair("strides", default=None)


def test_one_number_counts_for_both() -> None:
    assert options(subsample=2).pair("strides", "subsample", default=1) == (2, 2)
    assert options(strides=[2, 3]).pair("strides", "subsample", default=1) == (2, 3)
    assert options().pair("strides", "subsample", default=1) == (1, 1)
