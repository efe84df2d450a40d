from pathlib import Path

import pytest

from contract.errors import ModelError
from contract.models import layer_table
from contract.models.layer_table import Layer

LAYERS = (
    Layer("conv_1", "Conv2D", "5 x 5, stride 2", "elu", (62, 62, 24), 1824),
    Layer("steering", "Dense", "", "", (1,), 11),
)


def test_a_table_is_read_as_it_was_written(tmp_path: Path) -> None:
    path = tmp_path / layer_table.FILE
    layer_table.write(path, LAYERS)
    assert layer_table.read(path) == LAYERS


def test_a_missing_table_is_none(tmp_path: Path) -> None:
    assert layer_table.read(tmp_path / layer_table.FILE) is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        "[1]",
        "[{}]",
        '[{"name": "a", "kind": "b", "detail": "", "activation": "", "output_shape": ["1"], '
        '"parameters": 1}]',
        '[{"name": 1, "kind": "b", "detail": "", "activation": "", "output_shape": [1], '
        '"parameters": 1}]',
        '[{"name": "a", "kind": "b", "detail": "", "activation": "", "output_shape": [1], '
        '"parameters": true}]',
        '[{"name": "a", "kind": "b", "detail": "", "activation": "", "output_shape": 3, '
        '"parameters": 1}]',
        '[{"name": "a", "kind": "b", "detail": "", "activation": "", "output_shape": [1], '
        '"parameters": 1, "more": 1}]',
    ],
)
def test_a_file_that_is_not_a_table_is_named(tmp_path: Path, text: str) -> None:
    path = tmp_path / layer_table.FILE
    path.write_text(text)
    with pytest.raises(ModelError, match=r"architecture\.json of the version is not a table"):
        layer_table.read(path)


def test_a_table_that_is_too_large_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / layer_table.FILE
    path.write_bytes(b" " * (layer_table.MAX_BYTES + 1))
    with pytest.raises(ModelError, match="at most"):
        layer_table.read(path)
