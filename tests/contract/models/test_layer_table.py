import json
from pathlib import Path
from typing import Any

import pytest

from contract.errors import ModelError
from contract.models import layer_table
from contract.models.layer_table import Layer

LAYERS = [
    Layer("conv_1", "Conv2D", "5 x 5, stride 2", "elu", (35, 62, 24), 1824),
    Layer("steering", "Dense", "", "", (1,), 11),
]


def entry(**changes: Any) -> dict[str, Any]:
    values = {"name": "a", "kind": "Dense", "detail": "", "activation": "", "parameters": 11}
    return {**values, "output_shape": [1], **changes}


def test_a_written_table_is_read_back(tmp_path: Path) -> None:
    layer_table.write(tmp_path / layer_table.FILE, LAYERS)
    assert layer_table.read(tmp_path / layer_table.FILE) == LAYERS


def test_a_version_without_a_table_is_no_error(tmp_path: Path) -> None:
    assert layer_table.read(tmp_path / layer_table.FILE) is None


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ("[", "JSONDecodeError"),
        ("[" * 100_000, "RecursionError"),
        (5, "TypeError"),
        ([5], "TypeError"),
        ([{"name": "a"}], "KeyError"),
        ([entry(detail=None)], "a layer whose texts are"),
        ([entry(output_shape=5)], "a layer of the shape 5"),
        ([entry(output_shape=[1.5])], r"a layer of the shape \[1.5\]"),
        ([entry(parameters="11")], "with '11' parameters"),
    ],
    ids=range(9),
)
def test_a_file_that_is_no_table_is_refused(tmp_path: Path, document: object, message: str) -> None:
    path = tmp_path / layer_table.FILE
    path.write_text(document if isinstance(document, str) else json.dumps(document))
    with pytest.raises(ModelError, match=rf"is not a table of layers: got .*{message}"):
        layer_table.read(path)


def test_a_folder_in_place_of_a_table_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="is not a table of layers: got IsADirectoryError"):
        layer_table.read(tmp_path)


def test_a_file_that_is_too_large_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / layer_table.FILE
    path.write_bytes(b"[]".ljust(layer_table.MAX_BYTES))
    assert layer_table.read(path) == []
    with path.open("ab") as file:
        file.write(b" ")
    with pytest.raises(ModelError, match="the maximum is"):
        layer_table.read(path)


def test_the_document_is_that_of_the_release(tmp_path: Path) -> None:
    document = [
        {
            "name": "conv_1",
            "kind": "Conv2D",
            "detail": "5 x 5, stride 2",
            "activation": "elu",
            "output_shape": [35, 62, 24],
            "parameters": 1824,
        }
    ]
    (tmp_path / "architecture.json").write_text(json.dumps(document))
    assert layer_table.read(tmp_path / "architecture.json") == LAYERS[:1]
    layer_table.write(tmp_path / "again.json", LAYERS[:1])
    assert json.loads((tmp_path / "again.json").read_text()) == document


def test_a_table_of_ten_thousand_layers_is_read(tmp_path: Path) -> None:
    """The docstring of the limit promises this."""
    layer_table.write(tmp_path / layer_table.FILE, LAYERS * 5000)
    assert layer_table.read(tmp_path / layer_table.FILE) == LAYERS * 5000
