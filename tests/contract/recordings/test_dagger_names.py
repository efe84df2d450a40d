import pytest

from contract.recordings import dagger_names


def test_a_dataset_of_dagger_is_recognized() -> None:
    assert dagger_names.is_dagger_dataset(f"{dagger_names.dataset_name(3, 12)}-0a1b2c3d")


@pytest.mark.parametrize("dataset", ["lake-0a1b2c3d", "dagger-v1-r1", "dagger-lake-0a1b2c3d"])
def test_other_datasets_are_not(dataset: str) -> None:
    assert not dagger_names.is_dagger_dataset(dataset)
