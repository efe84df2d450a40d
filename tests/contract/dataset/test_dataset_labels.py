import json
from pathlib import Path

import pytest

from contract.dataset import dataset_labels
from contract.errors import SettingError, StoreError

NAME = "lake-12345678"
FORGED = [
    '{"schema": 2, "label": "a", "changes": []}',
    '{"schema": 1, "label": 5, "changes": []}',
    '{"schema": 1, "label": "a", "changes": {}}',
]


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


@pytest.mark.parametrize(
    "text", ["{", "[]", '{"schema": 1}', '{"schema": 2, "label": "a"}', *FORGED]
)
def test_a_torn_label_is_told(tmp_path: Path, text: str) -> None:
    dataset_labels.path(tmp_path, NAME).parent.mkdir()
    dataset_labels.path(tmp_path, NAME).write_text(text)
    with pytest.raises(StoreError, match=r"the label lake-12345678\.label\.json cannot be read"):
        dataset_labels.read(tmp_path, NAME)


def test_a_label_may_fill_a_column(tmp_path: Path) -> None:
    dataset_labels.write(tmp_path, NAME, "x" * 60, {})
    assert dataset_labels.read(tmp_path, NAME) == "x" * 60


def test_the_document_is_that_of_the_release(tmp_path: Path) -> None:
    path = tmp_path / "stores" / f"{NAME}.label.json"
    path.parent.mkdir()
    change = {"at": "2026-01-02T03:04:05+00:00", "label": "night"}
    path.write_text(json.dumps({"schema": 1, "label": "night", "changes": [change]}))
    assert dataset_labels.read(tmp_path, NAME) == "night"
    dataset_labels.write(tmp_path, NAME, "day", {})
    document = json.loads(path.read_text())
    assert (document["schema"], document["label"], document["changes"][0]) == (1, "day", change)
