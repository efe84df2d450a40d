"""What people say about a dataset on one machine is known on the others."""

from pathlib import Path

import pytest
from support.data import samples
from support.storage.object_stores import TestStore

from contract.dataset import dataset_labels, exclusions, store_catalog
from contract.errors import StorageError
from contract.settings import load
from contract.storage import stores
from ingest.job import import_source
from ingest.settings import Settings


@pytest.fixture
def volumes(tmp_path: Path, object_store: TestStore) -> tuple[Path, Path]:
    """Return the volumes of two machines that have the same dataset, `name_of`."""
    here, there = tmp_path / "here", tmp_path / "there"
    run = samples.recording(tmp_path / "run", rows=12)
    settings = load(Settings, {"LAPWING_DATA_DIR": str(here)})
    import_source(settings, run, None, 0.05, lambda **_: None, environ=object_store.environ)
    stores.pull(there, object_store.environ)
    return here, there


def name_of(data: Path) -> str:
    (manifest,) = store_catalog.read_manifests(data)
    return manifest.dataset


def test_exclusions_and_labels_go_both_ways(
    volumes: tuple[Path, Path], object_store: TestStore
) -> None:
    here, there = volumes
    name = name_of(here)
    exclusions.exclude(here, name, [(2, 3)], "off the road")
    dataset_labels.write(here, name, "by day", {})
    for data in volumes:
        stores.pull(data, object_store.environ)
    exclusions.exclude(there, name, [(7, 7)], "a shadow")
    dataset_labels.write(there, name, "by night", {})
    for data in (there, here):
        stores.pull(data, object_store.environ)
    for data in volumes:
        assert exclusions.read(data, name).lines == ((2, 3), (7, 7))
        assert exclusions.read(data, name).at(1).lines == ((2, 3),)
        assert dataset_labels.read(data, name) == "by night"
    assert exclusions.read(here, name).digest == exclusions.read(there, name).digest


def test_two_machines_that_exclude_at_the_same_time_are_told(
    volumes: tuple[Path, Path], object_store: TestStore
) -> None:
    here, there = volumes
    name = name_of(here)
    exclusions.exclude(here, name, [(2, 3)], "off the road")
    exclusions.exclude(there, name, [(7, 7)], "a shadow")
    stores.pull(here, object_store.environ)
    with pytest.raises(StorageError, match="another machine has changed the same"):
        stores.pull(there, object_store.environ)
    assert exclusions.read(there, name).lines == ((7, 7),), "nothing is mixed"
    exclusions.path(there, name).unlink()
    stores.pull(there, object_store.environ)
    assert exclusions.read(there, name).lines == ((2, 3),)


def test_a_removed_dataset_takes_along_what_was_said_about_it(
    volumes: tuple[Path, Path], object_store: TestStore
) -> None:
    here, there = volumes
    name = name_of(here)
    exclusions.exclude(here, name, [(2, 3)], "off the road")
    stores.pull(here, object_store.environ)
    stores.pull(there, object_store.environ)
    mirror = stores.open_mirror(here, object_store.environ)
    assert mirror is not None
    mirror.remove(name)
    stores.pull(there, object_store.environ)
    assert not exclusions.path(there, name).exists()
    kinds = {key.partition("/")[0] for key in object_store.object_keys()}
    assert kinds <= {"stores", "data"}
