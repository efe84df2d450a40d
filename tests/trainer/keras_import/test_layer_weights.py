"""The weights of each layer are found in both layouts, and never given to another layer."""

import json
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np
import pytest
from support.data import model_files
from support.data.model_files import answers

from contract.errors import ModelError
from trainer.keras_import import layer_weights, reader


def _architecture(tmp_path: Path, described: Any, release: int = 2) -> Path:
    path = tmp_path / "m.json"
    path.write_text(json.dumps(model_files.architecture(described, release)))
    return path


def _renamed(tmp_path: Path) -> Path:
    """Write the driving network's weights with layers that have other names."""
    described = [
        (kind, {**config, "name": f"layer_{9 - number}"}, arrays)
        for number, (kind, config, arrays) in enumerate(model_files.driver(2))
    ]
    return model_files.write(tmp_path / "m.h5", described, 2, root="")


def test_every_class_of_keras_is_called_as_keras_calls_it() -> None:
    from keras.src.utils.naming import to_snake_case

    names = [name for name in dir(keras.layers) if name[0].isupper()]
    assert len(names) > 100
    assert [layer_weights.snake_case(name) for name in names] == [*map(to_snake_case, names)]


@pytest.mark.parametrize("container", layer_weights.CONTAINERS)
def test_every_name_of_the_group_of_layers_is_known(
    tmp_path: Path, expected: np.ndarray, container: str
) -> None:
    described = model_files.driver(2)
    prefix = container if container.endswith("\\") else f"{container}/"
    weights = model_files.write_numbered(tmp_path / "m.h5", described, 2, prefix)
    architecture = _architecture(tmp_path, described)
    np.testing.assert_allclose(answers(architecture, weights=weights), expected, atol=1e-5)


def test_numbers_may_have_gaps(tmp_path: Path, expected: np.ndarray) -> None:
    """Keras 2.12 counted some layers twice; their order is right."""
    described = model_files.driver(2)
    weights = model_files.write_numbered(tmp_path / "m.h5", described, 2)
    with h5py.File(weights, "r+") as file:
        file.move("layers/dense_1", "layers/dense_10")
    architecture = _architecture(tmp_path, described)
    np.testing.assert_allclose(answers(architecture, weights=weights), expected, atol=1e-5)


def test_weights_of_layers_with_other_names_are_taken_in_their_order(
    tmp_path: Path, expected: np.ndarray
) -> None:
    """So does Keras's load_weights, for every layout of its files."""
    described = model_files.driver(2)
    architecture, weights = _architecture(tmp_path, described), _renamed(tmp_path)
    assert "in order, as Keras does" in reader.read(architecture, weights=weights).notes[0]
    np.testing.assert_allclose(answers(architecture, weights=weights), expected, atol=1e-5)


def test_names_that_lie_in_another_order_are_not_trusted(
    tmp_path: Path, expected: np.ndarray
) -> None:
    """Two layers of one shape have exchanged their names, as after a model was built again."""
    described = model_files.driver(2)
    kind, config, (kernel, bias) = described[-1]
    wide = [np.tile(kernel, (1, 5)), np.tile(bias, 5)]
    described[-1:] = [
        (kind, {**config, "units": 5, "name": "a"}, wide),
        (kind, {**config, "units": 5, "name": "b"}, [np.eye(5), np.arange(5.0)]),
    ]
    architecture = _architecture(tmp_path, described)
    exchanged = [*described[:-2]] + [
        (kind, {**config, "name": name}, arrays)
        for (kind, config, arrays), name in zip(described[-2:], "ba", strict=True)
    ]
    weights = model_files.write(tmp_path / "m.h5", exchanged, 2)
    found = answers(architecture, weights=weights, output=2)
    np.testing.assert_allclose(found, expected + 2, atol=1e-5)


def test_weights_of_another_architecture_are_refused(tmp_path: Path) -> None:
    described = model_files.driver(2)
    architecture = _architecture(tmp_path, [*described[:-2], described[-1]])
    with pytest.raises(ModelError, match=r"do not belong to this architecture: got .* 3 layers"):
        reader.read(architecture, weights=_renamed(tmp_path))
    numbered = model_files.write_numbered(tmp_path / "n.h5", described, 3)
    with pytest.raises(ModelError, match=r"the layers dense_6 \(Dense\) cannot .*: got 2 in the f"):
        reader.read(architecture, weights=numbered)


def test_a_name_that_contradicts_the_number_is_refused_in_one_file(tmp_path: Path) -> None:
    path = model_files.write_keras(tmp_path / "m.keras", model_files.driver(3), 3)
    described = model_files.driver(3)
    named = [
        (kind, {**config, "name": f"n{n}"}, a) for n, (kind, config, a) in enumerate(described)
    ]
    config = model_files.architecture(named, 3)
    model_files.write_keras(path, described, 3, config=config)
    with pytest.raises(
        ModelError, match=r"not those of the layers .*dense_1/vars: dense_8, not n7"
    ):
        reader.read(path)


def test_weights_in_no_layout_of_keras_are_refused(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "m.h5", "w") as file:
        file["kernel"] = np.zeros(3)
    architecture = _architecture(tmp_path, model_files.driver(2))
    with pytest.raises(ModelError, match=r"not in a layout of Keras: got \['kernel'\]"):
        reader.read(architecture, weights=tmp_path / "m.h5")
