import dataclasses
import json
from pathlib import Path

import pytest
from support.data.manifests import write_manifest

from contract.dataset import dataset_labels, exclusions, store_catalog
from contract.errors import StoreError


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data volume with a sound manifest and a torn one."""
    write_manifest(tmp_path, "lake-11111111")
    torn = write_manifest(tmp_path, "jungle-22222222", "jungle")
    torn.write_text(torn.read_text()[:40])
    return tmp_path


def selected(data: Path, *names: str) -> list[str]:
    return [manifest.dataset for manifest in store_catalog.select_stores(data, names).manifests]


def test_a_torn_manifest_costs_only_its_dataset_and_is_named(data: Path) -> None:
    stores = store_catalog.read_stores(data)
    assert [manifest.dataset for manifest in stores.manifests] == ["lake-11111111"]
    [(dataset, reason)] = stores.unreadable.items()
    assert dataset == "jungle-22222222"
    assert reason.startswith(
        "the manifest jungle-22222222.json cannot be read: got JSONDecodeError"
    )
    assert "lapwing doctor --cure" in reason


def test_the_log_names_what_is_left_out(data: Path, caplog: pytest.LogCaptureFixture) -> None:
    assert [m.dataset for m in store_catalog.read_manifests(data)] == ["lake-11111111"]
    assert "without the dataset jungle-22222222: the manifest" in caplog.text


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"schema": 1}, "has another schema: got 1"),
        ({"rows": "5"}, "rows is '5'"),
        ({"source": {}}, "the name of the source is None"),
        ({"dataset": "lake-99999999"}, "it is the manifest of 'lake-99999999'"),
        ({"surprise": 1}, "unexpected keyword argument"),
    ],
)
def test_a_manifest_that_is_not_one_is_unreadable(
    tmp_path: Path, change: dict[str, object], reason: str
) -> None:
    path = write_manifest(tmp_path, "lake-11111111")
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    assert reason in store_catalog.read_stores(tmp_path).unreadable["lake-11111111"]


def test_a_selection_goes_on_without_a_torn_dataset_that_it_names(data: Path) -> None:
    for names in ((), ("lake", "jungle"), ("jungle-22222222", "lake-11111111")):
        stores = store_catalog.select_stores(data, names)
        assert [manifest.dataset for manifest in stores.manifests] == ["lake-11111111"]
        assert [*stores.unreadable] == ["jungle-22222222"]


def test_a_torn_dataset_that_is_not_named_is_no_word_worth(data: Path) -> None:
    assert store_catalog.select_stores(data, ["lake"]).unreadable == {}


def test_with_torn_datasets_alone_the_reason_is_the_error(data: Path) -> None:
    with pytest.raises(StoreError, match=r"no dataset can be read: got the manifest jungle-2222"):
        store_catalog.select_stores(data, ["jungle"])


def test_what_lies_beside_a_manifest_is_no_manifest(tmp_path: Path) -> None:
    write_manifest(tmp_path, "lake-11111111")
    exclusions.exclude(tmp_path, "lake-11111111", [(1, 2)], "a")
    dataset_labels.write(tmp_path, "lake-11111111", "night", {})
    stores = store_catalog.read_stores(tmp_path)
    assert (len(stores.manifests), stores.unreadable) == (1, {})


def test_a_label_takes_the_place_of_the_recordings_name(tmp_path: Path) -> None:
    write_manifest(tmp_path, "lake-11111111", at="2026-01-01")
    write_manifest(tmp_path, "lake-22222222", at="2026-01-02")
    dataset_labels.write(tmp_path, "lake-22222222", "night", {})
    assert selected(tmp_path, "lake") == ["lake-11111111"]
    assert selected(tmp_path, "night") == ["lake-22222222"]
    assert selected(tmp_path, "lake-22222222") == ["lake-22222222"]
    assert selected(tmp_path) == ["lake-11111111", "lake-22222222"]


def test_a_label_selects_a_torn_dataset_too(data: Path) -> None:
    dataset_labels.write(data, "jungle-22222222", "apes", {})
    assert [*store_catalog.select_stores(data, ["lake", "apes"]).unreadable] == ["jungle-22222222"]


@pytest.mark.parametrize("name", ["/etc/x", "../x", "..", ".x", "", "a\0b", "x" * 300, 7, None])
def test_a_name_that_is_a_path_is_no_dataset(tmp_path: Path, name: object) -> None:
    with pytest.raises(StoreError, match="that is no name of a dataset"):
        store_catalog.paths(tmp_path, name)  # type: ignore[arg-type]  # as a queue may hold it


def test_a_bit_that_flips_in_a_number_of_a_manifest_is_found(tmp_path: Path) -> None:
    """Where a session begins is a number like any other, and decides which labels are averaged."""
    old = write_manifest(tmp_path, "lake-11111111")
    manifest = dataclasses.replace(store_catalog.read_manifest(old), sessions=[0, 2])
    store_catalog.write_manifest(old, manifest)
    assert store_catalog.read_manifest(old) == manifest
    text = old.read_text()
    old.write_text(text.replace("    2\n", "    3\n"))
    assert old.read_text() != text
    with pytest.raises(StoreError, match=r"cannot be read: got .*differs from its checksum"):
        store_catalog.read_manifest(old)


def test_stores_of_earlier_releases_have_one_session(tmp_path: Path) -> None:
    """Release 0.1.0 wrote no sessions, identities or checksum, nor what a dataset supersedes."""
    path = write_manifest(tmp_path, "lake-11111111")
    document = json.loads(path.read_text())
    for name in ("sessions", "row_ids_sha256", "supersedes"):
        del document[name]
    document.pop("checksum", None)
    path.write_text(json.dumps(document))
    manifest = store_catalog.read_manifest(path)
    assert (manifest.sessions, manifest.row_ids_sha256, manifest.supersedes) == ([0], "", [])


def test_a_manifest_that_is_not_there_is_not_called_torn(tmp_path: Path) -> None:
    with pytest.raises(
        StoreError, match=r"there is no store lake-1\. lapwing ingest PATH makes one"
    ):
        store_catalog.read_manifest(tmp_path / "lake-1.json")


def test_names_that_mean_nothing_and_empty_volumes_are_refused(data: Path, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"no such dataset: got sea. There are \['lake-1111"):
        store_catalog.select_stores(data, ["lake", "sea"])
    with pytest.raises(StoreError, match="there is no recording to train on"):
        store_catalog.select_stores(tmp_path / "empty", [])


def test_the_log_names_what_a_selection_leaves_out(
    data: Path, caplog: pytest.LogCaptureFixture
) -> None:
    assert [m.dataset for m in store_catalog.select_manifests(data, [])] == ["lake-11111111"]
    assert "without the dataset jungle-22222222: the manifest" in caplog.text


@pytest.mark.parametrize("letters", [59, 60, 61, 90])
def test_a_torn_dataset_of_a_long_name_is_meant_by_its_recording(
    tmp_path: Path, letters: int
) -> None:
    """Ingest names a dataset by the first 60 letters of its recording's name."""
    name = "x" * letters
    write_manifest(tmp_path, f"{name[:60]}-22222222").write_text("{")
    write_manifest(tmp_path, "lake-11111111")
    stores = store_catalog.select_stores(tmp_path, ["lake", name])
    assert [*stores.unreadable] == [f"{name[:60]}-22222222"]
