import pytest

from contract import relabelled


def test_what_ingest_makes_of_a_name_is_known() -> None:
    assert relabelled.is_named(f"{relabelled.name(3, 12)}-0a1b2c3d")


@pytest.mark.parametrize("dataset", ["lake-0a1b2c3d", "dagger-v1-r1", "dagger-lake-0a1b2c3d"])
def test_another_dataset_is_not(dataset: str) -> None:
    assert not relabelled.is_named(dataset)
