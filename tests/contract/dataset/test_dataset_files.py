from pathlib import Path

import pytest

from contract.dataset import dataset_files, dataset_labels, exclusions
from contract.errors import StoreError

NAME = "lake-12345678"


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data volume with two datasets, one of which has everything that a dataset can have."""
    for folder in ("stores", f"overviews/{NAME}", "reports"):
        (tmp_path / folder).mkdir(parents=True)
    for name in (NAME, f"{NAME}0"):
        for suffix in ("h5", "json", "ids"):
            (tmp_path / "stores" / f"{name}.{suffix}").write_bytes(b"x" * 100)
    exclusions.exclude(tmp_path, NAME, [(1, 2)], "a")
    dataset_labels.write(tmp_path, NAME, "night", {})
    (tmp_path / "overviews" / NAME / "steering.png").write_bytes(b"x" * 50)
    (tmp_path / "reports" / f"{NAME}.json").write_bytes(b"x" * 7)
    return tmp_path


def test_a_dataset_is_removed_with_all_that_belongs_to_it(data: Path) -> None:
    own = [path for path in data.rglob("*") if path.is_file() and NAME in str(path)]
    own = [path for path in own if f"{NAME}0" not in str(path)]
    size = sum(path.stat().st_size for path in own)
    assert len(own) == 7
    assert dataset_files.count_bytes(data, NAME) == size
    assert dataset_files.remove(data, NAME) == size
    left = sorted(path.name for path in data.rglob("*") if path.is_file())
    assert left == [".annotations.lock", f"{NAME}0.h5", f"{NAME}0.ids", f"{NAME}0.json"]
    assert not (data / "overviews" / NAME).exists()


def test_what_cannot_be_removed_is_told(data: Path) -> None:
    path = data / "stores" / f"{NAME}.ids"
    path.unlink()
    path.mkdir()
    with pytest.raises(StoreError, match=f"the dataset {NAME} cannot be removed"):
        dataset_files.remove(data, NAME)
    assert not (data / "stores" / f"{NAME}.json").exists()


def test_a_removal_that_was_killed_is_completed(data: Path) -> None:
    (data / "stores" / f"{NAME}.json").unlink()
    dataset_files.remove(data, NAME)
    assert not [*data.glob(f"stores/{NAME}.*")]
