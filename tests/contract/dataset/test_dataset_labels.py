import json
from pathlib import Path

import pytest

from contract.dataset import dataset_labels
from contract.errors import SettingError, StoreError

NAME = "lake-12345678"


def test_a_label_is_kept_with_its_history(tmp_path: Path) -> None:
    assert dataset_labels.read(tmp_path, NAME) is None
    dataset_labels.write(tmp_path, NAME, "night", {})
    dataset_labels.write(tmp_path, NAME, "Nacht am See", {})
    assert dataset_labels.read(tmp_path, NAME) == "Nacht am See"
    document = json.loads((tmp_path / "stores" / f"{NAME}.label.json").read_text())
    assert [change["label"] for change in document["changes"]] == ["night", "Nacht am See"]


@pytest.mark.parametrize("label", ["", " ", "a ", "-x", "a/b", "a\nb", "a\x1b[31m", "x" * 61])
def test_a_label_that_cannot_be_typed_or_printed_is_refused(tmp_path: Path, label: str) -> None:
    with pytest.raises(SettingError, match="a dataset cannot have this name"):
        dataset_labels.write(tmp_path, NAME, label, {})
    assert dataset_labels.read(tmp_path, NAME) is None


def test_a_label_that_selects_another_dataset_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="got night, which selects lake-99999999"):
        dataset_labels.write(tmp_path, NAME, "night", {"night": "lake-99999999"})


@pytest.mark.parametrize("text", ["{", "[]", '{"schema": 1}', '{"schema": 2, "label": "a"}'])
def test_a_torn_label_is_told(tmp_path: Path, text: str) -> None:
    dataset_labels.path(tmp_path, NAME).parent.mkdir()
    dataset_labels.path(tmp_path, NAME).write_text(text)
    with pytest.raises(StoreError, match=r"the label lake-12345678\.label\.json cannot be read"):
        dataset_labels.read(tmp_path, NAME)
