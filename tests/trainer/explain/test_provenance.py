from pathlib import Path

import numpy as np
import pytest
from support.data import samples

from contract.dataset import store, store_catalog
from contract.dataset.split_file import DatasetSplit, SplitFile
from contract.files import atomic_files
from contract.models.registry import ModelManifest
from ingest.job import import_source
from ingest.settings import Settings
from trainer.explain import provenance
from trainer.export import manifest as release

SIDES = DatasetSplit(20, ((0, 8),), ((10, 14), (18, 20)))


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("lineage")
    for number, name in enumerate(("one", "two")):
        source = samples.recording(folder / name, rows=20, seed=number)
        import_source(Settings(data_dir=folder / "data"), source, None, 0.0, lambda **_: None)
    return folder / "data"


def version(data: Path) -> ModelManifest:
    return release.trained_manifest(
        "job", data, store_catalog.read_manifests(data), {"seed": 1}, [], {}, {}
    )


def split(data: Path, **changes: DatasetSplit) -> SplitFile:
    return SplitFile(
        1.0,
        {
            each.dataset: changes.get(str(each.source["name"]), SIDES)
            for each in store_catalog.read_manifests(data)
        },
    )


def test_rows_train_or_validate_as_the_split_says(data: Path) -> None:
    found, missing = provenance.find_recordings(data, version(data), split(data))
    assert missing == []
    assert [each.number for each in found] == [0, 1]
    assert np.flatnonzero(found[1].validation).tolist() == [10, 11, 12, 13, 18, 19]
    assert np.flatnonzero(found[1].train).tolist() == list(range(8))


def test_frames_are_those_of_the_centre_camera(data: Path) -> None:
    (_, source), _ = provenance.find_recordings(data, version(data), split(data))
    frames = provenance.read_frames(data, source, [3, 17])
    expected = np.empty_like(frames)
    with store.open_store(data, source.manifest) as reader:
        reader.gather(source.rows["center"][[3, 17]].astype(np.int64), expected)
    np.testing.assert_array_equal(frames, expected)
    assert frames.std() > 10


def test_each_missing_or_changed_recording_is_named(data: Path) -> None:
    manifest = version(data)
    one, two = (str(each["dataset"]) for each in manifest.data)
    manifest.data[0]["manifest_sha256"] = "0" * 64
    manifest.data[1]["dataset"] = "gone-1"
    found, missing = provenance.find_recordings(data, manifest, split(data))
    assert found == []
    assert f"the store {one} is not the one that the version was trained on" in missing[0]
    assert missing[1].startswith("Nothing of gone-1: there is no store gone-1")
    manifest = version(data)
    found, missing = provenance.find_recordings(
        data, manifest, split(data, two=DatasetSplit(19, (), ()))
    )
    assert [(each.name, each.number) for each in found] == [(one, 0)]
    assert (
        f"the store {two} has another number of rows than its split: got 20, not 19" in missing[0]
    )


def test_the_hash_is_that_of_the_stores_manifest(data: Path) -> None:
    manifest = version(data)
    path = store_catalog.paths(data, str(manifest.data[0]["dataset"]))[1]
    assert manifest.data[0]["manifest_sha256"] == atomic_files.sha256(path)


def test_versions_that_do_not_name_their_rows_say_so(data: Path) -> None:
    manifest = version(data)
    assert "does not say which rows" in " ".join(
        provenance.find_recordings(data, manifest, None)[1]
    )
    imported = release.imported_manifest("job", {"imported_from": "theirs"}, {})
    assert "was imported" in " ".join(provenance.find_recordings(data, imported, None)[1])


def test_recordings_that_trained_only_an_ancestor_are_left_out(data: Path) -> None:
    """They would add rows to the figures that did not validate the version."""
    manifest = version(data)
    manifest.data[1]["version"] = 3
    found, missing = provenance.find_recordings(data, manifest, split(data))
    assert [each.name for each in found] == [manifest.data[0]["dataset"]]
    assert missing == []
