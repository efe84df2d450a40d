"""A model is read from every kind of file in which Keras keeps it."""

import json
import zipfile
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np
import pytest
from support.data import course_network, model_files
from support.data.model_files import PICTURES, answers

from contract.errors import ModelError
from trainer.graph import numpy_backend
from trainer.graph.layers import Conv
from trainer.keras_import import reader


@pytest.mark.parametrize("ending", ["h5", "keras"])
@pytest.mark.parametrize(
    ("units", "compiled", "megabytes"),
    [
        (100, False, 1.4),
        (100, True, 4.3),
        *(
            pytest.param(*size, marks=pytest.mark.soak)
            for size in ((4_600, True, 122), (13_000, False, 114))
        ),
    ],
)
def test_the_network_of_the_courses_is_read_from_small_and_large_files(
    tmp_path: Path, units: int, compiled: bool, megabytes: float, ending: str
) -> None:
    network = course_network.build(units, compiled=compiled)
    path = tmp_path / f"model.{ending}"
    network.save(path)
    assert path.stat().st_size / 1e6 == pytest.approx(megabytes, rel=0.05)
    found = reader.read(path)
    assert (found.keras, found.normalized) == (keras.__version__, "0.00784313725 * x - 1")
    np.testing.assert_allclose(
        numpy_backend.predict(found.network, course_network.PICTURES),
        network.predict_on_batch(course_network.PICTURES),
        atol=1e-5,
    )


@pytest.mark.parametrize("variable", [False, True], ids=["fixed", "variable"])
@pytest.mark.parametrize("more", [0, 60 << 20], ids=["small", "large"])
def test_names_may_be_strings_of_either_kind(
    tmp_path: Path, expected: np.ndarray, more: int, variable: bool
) -> None:
    """Keras 2 with h5py 3 wrote strings of a variable length; h5py 2 wrote fixed ones."""
    path = model_files.write(tmp_path / "m.h5", model_files.driver(2), 2, variable=variable)
    with h5py.File(path, "r+") as file:
        file["optimizer_weights/adam/v"] = np.zeros(more, np.uint8)
    np.testing.assert_allclose(answers(path), expected, atol=1e-5)


@pytest.mark.parametrize("release", [2, 3])
def test_a_keras_file_is_read(tmp_path: Path, expected: np.ndarray, release: int) -> None:
    path = model_files.write_keras(tmp_path / "m.keras", model_files.driver(release), release)
    assert reader.read(path).keras == model_files.RELEASES[release]
    np.testing.assert_allclose(answers(path), expected, atol=1e-5)


def test_the_folder_of_an_unpacked_keras_file_is_read(tmp_path: Path, expected: np.ndarray) -> None:
    path = model_files.write_keras(tmp_path / "m.keras", model_files.driver(3), 3)
    with zipfile.ZipFile(path) as archive:
        archive.extractall(tmp_path / "model")
    np.testing.assert_allclose(answers(tmp_path / "model"), expected, atol=1e-5)
    (tmp_path / "model" / "metadata.json").unlink()
    with pytest.raises(ModelError, match=r"metadata\.json is not supported: the file is missing"):
        reader.read(tmp_path / "model")


@pytest.mark.parametrize("twice", [False, True], ids=["once", "in a string"])
@pytest.mark.parametrize("release", [1, 2])
def test_an_architecture_and_its_weights_may_be_two_files(
    tmp_path: Path, expected: np.ndarray, release: int, twice: bool
) -> None:
    described = model_files.driver(release)
    document = model_files.architecture(described, release)
    document["keras_version"] = model_files.RELEASES[release]
    text = json.dumps(document)
    (tmp_path / "m.json").write_text(json.dumps(text) if twice else text)
    weights = model_files.write(tmp_path / "m.h5", described, release, root="")
    with h5py.File(weights, "r+") as file:
        del file.attrs["model_config"], file.attrs["keras_version"]
    found = reader.read(tmp_path / "m.json", weights=weights)
    assert (found.keras, found.notes) == (model_files.RELEASES[release], ())
    np.testing.assert_allclose(answers(tmp_path / "m.json", weights=weights), expected, atol=1e-5)
    with pytest.raises(ModelError, match=r"m\.h5 holds no architecture.*model\.json --weights"):
        reader.read(weights)


def test_an_architecture_and_weights_of_todays_keras_may_be_two_files(tmp_path: Path) -> None:
    """Its architecture does not tell the release, which decides what hard_sigmoid is."""
    layers = keras.layers
    network = keras.Sequential(
        [
            keras.Input((20, 40, 3)),
            layers.Rescaling(1 / 255),
            layers.Conv2D(4, 3, activation="hard_sigmoid"),
            layers.Dropout(0.5),
            layers.Conv2D(4, 3, activation="hard_sigmoid"),
            layers.BatchNormalization(),
            layers.Flatten(),
            layers.Dense(1),
        ]
    )
    (tmp_path / "m.json").write_text(network.to_json())
    network.save_weights(tmp_path / "m.weights.h5")
    found = reader.read(tmp_path / "m.json", weights=tmp_path / "m.weights.h5")
    np.testing.assert_allclose(
        numpy_backend.predict(found.network, PICTURES),
        network.predict_on_batch(PICTURES),
        atol=1e-5,
    )


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("{", r"m\.json is not supported: its architecture is not JSON"),
        ("[" * 100_000, r"m\.json is no model file of a known kind"),
        ('{"a": ' + "[" * 100_000, r"m\.json is not supported: its architecture is not JSON"),
        ('"[]"', r"it lacks class_name"),
        ('{"a": "' + "\u00e9" * (3 << 20) + '"}', r"m\.json .*too large for JSON"),
        ('{"modelTopology": {}, "weightsManifest": []}', "is a model of TensorFlow.js.*Convert"),
        ("{\x00\xff", "is not supported: its architecture is not JSON"),
    ],
)
def test_an_architecture_that_is_none_is_refused(tmp_path: Path, content: str, why: str) -> None:
    path = tmp_path / "m.json"
    path.write_text(content, encoding="utf-8")
    weights = model_files.write(tmp_path / "m.h5", model_files.driver(2), 2)
    with pytest.raises(ModelError, match=why):
        reader.read(path, weights=weights)


def _two_files(tmp_path: Path) -> tuple[Path, Path]:
    described = model_files.driver(2)
    (tmp_path / "m.json").write_text(json.dumps(model_files.architecture(described, 2)))
    return tmp_path / "m.json", model_files.write(tmp_path / "m.h5", described, 2)


def test_the_number_of_files_must_be_right(tmp_path: Path) -> None:
    architecture, weights = _two_files(tmp_path)
    with pytest.raises(ModelError, match=r"m\.json holds an architecture without its weights.*--w"):
        reader.read(architecture)
    with pytest.raises(ModelError, match=r"m\.h5 holds weights of its own.*Leave --weights out"):
        reader.read(weights, weights=weights)
    with pytest.raises(ModelError, match=r"m\.json is not a file of weights.*model\.save_weights"):
        reader.read(architecture, weights=architecture)


def test_a_numbered_file_never_mixes_up_layers_of_one_shape(tmp_path: Path) -> None:
    """Names of layers do not follow their order; two layers have kernels of one shape."""
    layers = keras.layers
    keras.utils.set_random_seed(3)
    network = keras.Sequential(
        [
            keras.Input((20, 40, 3)),
            layers.Conv2D(3, 3, name="z"),
            layers.Conv2D(3, 3, name="conv2d_7"),
            layers.Conv2D(3, 3, name="conv2d"),
        ]
    )
    network.save(tmp_path / "m.keras")
    found = reader.read(tmp_path / "m.keras", output=0).network.layers
    kernels: list[Any] = [each.kernel for each in found if isinstance(each, Conv)]
    for layer, kernel in zip(network.layers, kernels, strict=True):
        np.testing.assert_array_equal(layer.get_weights()[0], kernel)
