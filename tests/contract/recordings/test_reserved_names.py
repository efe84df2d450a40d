import pytest

from contract.recordings import reserved_names


def test_a_dataset_of_dagger_is_recognized() -> None:
    dataset = f"{reserved_names.dagger_recording(3, 12)}-0a1b2c3d"
    assert reserved_names.is_dagger_dataset(dataset)
    assert not reserved_names.is_simulated_dataset(dataset)


def test_a_simulated_lap_is_recognized() -> None:
    dataset = f"{reserved_names.simulated_recording(12)}-0a1b2c3d"
    assert reserved_names.is_simulated_dataset(dataset)
    assert not reserved_names.is_dagger_dataset(dataset)


@pytest.mark.parametrize(
    "dataset",
    [
        "lake-0a1b2c3d",
        "dagger-v1-r1",
        "dagger-lake-0a1b2c3d",
        "simulated-lap-1",
        "simulated-lake-0a1b2c3d",
        "my-simulated-lap-1-0a1b2c3d",
    ],
)
def test_other_datasets_are_not(dataset: str) -> None:
    assert not reserved_names.is_dagger_dataset(dataset)
    assert not reserved_names.is_simulated_dataset(dataset)
