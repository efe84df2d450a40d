"""Layers that are taken for idle do nothing in Keras when it predicts."""

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from support.data import model_files
from support.data.model_files import PICTURES, answers

from contract.errors import ModelError
from trainer.graph import numpy_backend
from trainer.keras_import import reader
from trainer.keras_import.idle_layers import IDLE_LAYERS, is_idle

RATE = {"rate": 0.5}
FACTOR = {"factor": 0.5}
OPTIONS: dict[str, dict[str, Any]] = {
    "AlphaDropout": RATE,
    "Dropout": RATE,
    "GaussianDropout": RATE,
    "GaussianNoise": {"stddev": 0.9},
    "RandomBrightness": FACTOR,
    "RandomColorDegeneration": FACTOR,
    "RandomContrast": FACTOR,
    "RandomHue": FACTOR,
    "RandomPosterization": {"factor": 4},
    "RandomRotation": FACTOR,
    "RandomSaturation": FACTOR,
    "RandomSharpness": FACTOR,
    "RandomTranslation": {"height_factor": 0.3, "width_factor": 0.3},
    "RandomZoom": {"height_factor": 0.3},
    "SpatialDropout2D": RATE,
}
OF_KERAS_2_ALONE = {"RandomHeight", "RandomWidth"}
OF_ROWS = {"SpatialDropout1D"}


def test_idle_layers_do_nothing_in_keras() -> None:
    network = keras.Sequential([keras.Input((20, 40, 3))])
    for name in sorted(IDLE_LAYERS - OF_KERAS_2_ALONE - OF_ROWS - {"InputLayer"}):
        layer_class = getattr(keras.layers, name)
        network.add(layer_class(**OPTIONS.get(name, {})))
    assert len(network.layers) > 25
    np.testing.assert_array_equal(network.predict_on_batch(PICTURES), PICTURES)


def test_a_network_with_augmentation_is_read(tmp_path: Path) -> None:
    """Authors put it into the network, or into a Sequential of its own."""
    layers = keras.layers
    network = keras.Sequential(
        [
            keras.Input((20, 40, 3)),
            keras.Sequential([layers.RandomFlip("horizontal"), layers.RandomRotation(0.1)]),
            layers.RandomContrast(0.2),
            layers.GaussianNoise(0.3),
            layers.Rescaling(1 / 255),
            layers.Conv2D(2, 3),
            layers.GlobalAveragePooling2D(),
            layers.Dense(1),
        ]
    )
    for name in ("m.h5", "m.keras"):
        network.save(tmp_path / name)
        found = numpy_backend.predict(reader.read(tmp_path / name).network, PICTURES)
        np.testing.assert_allclose(found, network.predict_on_batch(PICTURES), atol=1e-5)


@pytest.mark.parametrize("name", sorted(OF_KERAS_2_ALONE))
def test_layers_of_keras_2_alone_are_idle_too(
    tmp_path: Path, expected: np.ndarray, name: str
) -> None:
    described = model_files.driver(2)
    described.insert(1, (name, {"factor": 0.2}, []))
    path = model_files.write(tmp_path / "m.h5", described, 2)
    np.testing.assert_allclose(answers(path), expected, atol=1e-5)


@pytest.mark.parametrize("name", ["RandomCrop", "CenterCrop", "AutoContrast"])
def test_augmentation_that_also_changes_predictions_is_refused(tmp_path: Path, name: str) -> None:
    described = model_files.driver(2)
    described.insert(1, (name, {"height": 10, "width": 20}, []))
    with pytest.raises(ModelError, match=rf"{name.lower()}_2 \({name}\) is of a class that is not"):
        reader.read(model_files.write(tmp_path / "m.h5", described, 2))


@pytest.mark.parametrize(
    ("layers", "idle"),
    [
        ([{"class_name": "RandomFlip"}], True),
        ([{"class_name": "RandomFlip"}, {"class_name": "Conv2D"}], False),
        ([{"class_name": "RandomFlip", "registered_name": "mine>RandomFlip"}], False),
        ([7], False),
        (7, False),
    ],
)
def test_a_sequential_is_idle_if_all_of_its_layers_are(layers: Any, idle: bool) -> None:
    assert is_idle("Sequential", {"layers": layers}) is idle
