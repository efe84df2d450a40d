"""Chains of layers are read as Sequential and functional models write them."""

import contextlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.data import model_files
from support.data.model_files import answers, functional

from contract.errors import ModelError
from trainer.keras_import import reader

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=4,
)


@pytest.mark.parametrize("release", [1, 2, 3])
def test_a_functional_chain_is_read(tmp_path: Path, expected: np.ndarray, release: int) -> None:
    described, config = functional(release)
    path = model_files.write(tmp_path / "m.h5", described, release, config=config)
    np.testing.assert_allclose(answers(path), expected, atol=1e-5)


@pytest.mark.parametrize("release", [2, 3])
def test_one_of_several_outputs_is_chosen(
    tmp_path: Path, expected: np.ndarray, release: int
) -> None:
    described, config = functional(release, outputs=2)
    path = model_files.write(tmp_path / "m.h5", described, release, config=config)
    with pytest.raises(ModelError, match=r"several outputs: .*dense.* Choose .* with --output"):
        reader.read(path)
    np.testing.assert_allclose(answers(path, output=0), expected, atol=1e-5)
    bias = described[-1][2][1]
    np.testing.assert_allclose(answers(path, output=1), 2 * (expected - bias) + bias, atol=1e-5)
    with pytest.raises(ModelError, match="no output 2"):
        reader.read(path, output=2)


@pytest.mark.parametrize(
    ("config", "why"),
    [
        ({"class_name": "MyModel", "config": {}}, "neither a Sequential nor a functional model"),
        ({"config": []}, "lacks class_name"),
        ([], "lacks class_name"),
        ({"class_name": "Sequential", "config": []}, "it has no layers"),
        ({"class_name": "Sequential", "config": {"layers": 3}}, "no list of at most"),
        (
            {"class_name": "Sequential", "config": [{"class_name": "Dense", "config": []}]},
            "is itself a model",
        ),
        (
            {
                "class_name": "Sequential",
                "config": [
                    {
                        "class_name": "Dense",
                        "registered_name": "mine>Dense",
                        "config": {"name": "a"},
                    }
                ],
            },
            "is a custom class: got mine>Dense",
        ),
    ],
)
def test_an_invalid_architecture_is_refused(tmp_path: Path, config: Any, why: str) -> None:
    path = model_files.write(tmp_path / "m.h5", model_files.driver(2), 2, config=config)
    with pytest.raises(ModelError, match=why):
        reader.read(path)


def test_layers_that_merge_or_repeat_are_refused(tmp_path: Path) -> None:
    described, config = functional(2)
    nodes = config["config"]["layers"][-1]
    before = nodes["inbound_nodes"][0]
    for changed, why in (
        ([before * 2], "does not have exactly one layer before it"),
        ([before, before], "is used more than once"),
        ([[[nodes["name"], 0, 0, {}]]], "form a loop"),
        ([[["nowhere", 0, 0, {}]]], "names a layer that does not exist"),
    ):
        nodes["inbound_nodes"] = changed
        path = model_files.write(tmp_path / "m.h5", described, 2, config=config)
        with pytest.raises(ModelError, match=why):
            reader.read(path)


def places(value: Any) -> list[tuple[Any, Any]]:
    """Return every container and key in a JSON document."""
    pairs = list(value.items()) if isinstance(value, dict) else []
    pairs = list(enumerate(value)) if isinstance(value, list) else pairs
    return [found for key, each in pairs for found in [(value, key), *places(each)]]


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data(), st.sampled_from([1, 2, 3]))
def test_any_architecture_is_read_or_refused(
    tmp_path: Path, data: st.DataObject, release: int
) -> None:
    described, config = (
        functional(release)
        if data.draw(st.booleans())
        else (
            model_files.driver(release),
            model_files.architecture(model_files.driver(release), release),
        )
    )
    container, key = data.draw(st.sampled_from(places(config)))
    container[key] = data.draw(JSON)
    path = model_files.write(tmp_path / "m.h5", described, release, config=config)
    with contextlib.suppress(ModelError):
        assert reader.read(path).network.layers
