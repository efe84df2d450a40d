import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from support.data.models import manifest
from support.data.samples import ROW_MS
from support.data.versions import staged

from contract.dataset import exclusions, split_file, store, store_catalog, trained_rows
from contract.dataset.split_file import DatasetSplit, SplitFile
from contract.dataset.trained_rows import TrainedRows
from contract.errors import StoreError
from contract.models import lineage
from contract.models.registry import Registry
from evaluator.offline.held_out import is_new_to, open_held_out


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    return Registry(tmp_path)


def publish(registry: Registry, datasets: dict[str, DatasetSplit] | None, *trained: str) -> int:
    """Publish a version that was trained on datasets; without a split, its rows are unknown."""
    folder = staged(registry.root, "job")
    if datasets is not None:
        split_file.write(folder / split_file.FILE, SplitFile(1.5, datasets))
    data = [{"dataset": name, "rows": 0, "manifest_sha256": "0"} for name in trained]
    return registry.publish(folder, manifest("job", data=data)).version


def named(data: Path) -> tuple[str, str]:
    """Return the names of both datasets."""
    [long] = [path.stem for path in (data / "stores").glob("long-*.json")]
    [short] = [path.stem for path in (data / "stores").glob("short-*.json")]
    return long, short


def test_of_a_training_dataset_only_validation_rows_are_held_out(
    registry: Registry, data: Path
) -> None:
    long, short = named(data)
    split = DatasetSplit(252, train=((0, 190),), validation=((210, 230), (242, 252)))
    version = publish(registry, {long: split}, long)
    with open_held_out(data, registry, version) as held:
        by_name = {rows.dataset: rows for rows in held}
        assert np.flatnonzero(by_name[long].rows).tolist() == [*range(210, 230), *range(242, 252)]
        assert by_name[long].reason == "30 validation rows; no training row is within 1.5 s of them"
        assert by_name[short].rows.all()
        assert by_name[short].reason == "the version was not trained on this dataset"
        assert len(by_name[short].reader.rows) == 60


def test_rows_that_trained_only_an_ancestor_are_not_held_out(
    registry: Registry, data: Path
) -> None:
    """The split and the data of a version that was trained further name its ancestors' rows."""
    long, short = named(data)
    splits = {
        long: DatasetSplit(252, ((0, 190),), ((210, 252),)),
        short: DatasetSplit(60, ((0, 20),), ((40, 60),)),
    }
    folder = staged(registry.root, "job")
    split_file.write(folder / split_file.FILE, SplitFile(1.5, splits))
    parent = manifest(
        "parent",
        version=7,
        files={"model.h5": {"sha256": "a"}},
        data=[{"dataset": short, "rows": 60, "manifest_sha256": "0"}],
    )
    data_entries = [{"dataset": long, "rows": 252, "manifest_sha256": "0"}]
    child = lineage.descend(manifest("job", data=data_entries), parent)
    with open_held_out(data, registry, registry.publish(folder, child).version) as held:
        rows = {each.dataset: np.flatnonzero(each.rows).tolist() for each in held}
    assert rows == {long: list(range(210, 252)), short: list(range(40, 60))}


def test_without_a_split_only_other_datasets_are_held_out(registry: Registry, data: Path) -> None:
    """A version of an earlier release does not say which rows it was trained on."""
    long, short = named(data)
    with open_held_out(data, registry, publish(registry, None, long)) as held:
        assert [rows.dataset for rows in held] == [short]


def test_a_volume_without_recordings_has_no_held_out_rows(
    registry: Registry, tmp_path: Path
) -> None:
    with open_held_out(tmp_path / "nowhere", registry, publish(registry, {}, "lake")) as held:
        assert held == []


def test_the_stores_are_closed_afterwards(registry: Registry, data: Path) -> None:
    out = np.empty((1, 128, 128, 3), np.uint8)
    with open_held_out(data, registry, publish(registry, {})) as held:
        held[0].reader.gather(np.array([0]), out)
    for rows in held:
        with pytest.raises(StoreError, match="cannot be read any more"):
            rows.reader.gather(np.array([0]), out)


def test_a_store_whose_rows_have_changed_is_refused(registry: Registry, data: Path) -> None:
    """Otherwise training rows would count as held out."""
    long, _ = named(data)
    version = publish(registry, {long: DatasetSplit(260, ((0, 200),), ((250, 260),))}, long)
    with (
        pytest.raises(StoreError, match=rf"the store {long} is not the one .*: got 252 rows\."),
        open_held_out(data, registry, version),
    ):
        pass


def test_a_store_without_its_frames_is_named_and_the_others_are_closed(
    registry: Registry, data: Path, tmp_path: Path
) -> None:
    copy = Path(shutil.copytree(data, tmp_path / "data"))
    long, _ = named(copy)
    (copy / "stores" / f"{long}.h5").unlink()
    with (
        pytest.raises(StoreError, match=f"the store {long}.h5 is not what its manifest says"),
        open_held_out(copy, registry, publish(registry, {})),
    ):
        pass


def test_a_removed_dataset_is_ignored(registry: Registry, data: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(data, tmp_path / "data"))
    long, short = named(copy)
    for path in (copy / "stores").glob(f"{long}.*"):
        path.unlink()
    version = publish(registry, {long: DatasetSplit(252, ((0, 200),), ((230, 250),))}, long)
    with open_held_out(copy, registry, version) as held:
        assert [rows.dataset for rows in held] == [short]


def test_recordings_are_listed_in_the_order_of_their_import(registry: Registry, data: Path) -> None:
    made = {
        path.stem: json.loads(path.read_text())["created_at"]
        for path in (data / "stores").glob("[!.]*.json")
    }
    with open_held_out(data, registry, publish(registry, {})) as held:
        assert [rows.dataset for rows in held] == sorted(made, key=lambda name: (made[name], name))


def test_excluded_rows_are_not_held_out(registry: Registry, data: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(data, tmp_path / "data"))
    long, _ = named(copy)
    exclusions.exclude(copy, long, [(1, 5), (251, 252)], "parked")
    with open_held_out(copy, registry, publish(registry, {})) as held:
        [rows] = [rows for rows in held if rows.dataset == long]
        assert np.flatnonzero(~rows.rows).tolist() == [*range(5), 250, 251]
    assert rows.reason.endswith("; 7 rows that are excluded are left out")


def test_rows_that_show_trained_frames_are_not_held_out_under_another_name(
    registry: Registry, data: Path, tmp_path: Path
) -> None:
    """Rows 0 to 99 of the long recording trained the version, imported under another name."""
    copy = Path(shutil.copytree(data, tmp_path / "data"))
    long, _ = named(copy)
    stored = store_catalog.read_manifest(store_catalog.paths(copy, long)[1])
    ids = store.read_row_ids(copy, stored)
    folder = staged(registry.root, "job")
    gone = DatasetSplit(100, ((0, 100),), ())
    split_file.write(folder / split_file.FILE, SplitFile(1.5, {"gone-00000000": gone}))
    none = np.zeros(0, dtype=np.uint64)
    trained_rows.write(folder / trained_rows.FILE, TrainedRows.of(ids[:100], none, none))
    entry = {"dataset": "gone-00000000", "rows": 100, "manifest_sha256": "0"}
    version = registry.publish(folder, manifest("job", data=[entry])).version
    with open_held_out(copy, registry, version) as held:
        [rows] = [rows for rows in held if rows.dataset == long]
        seconds = np.arange(252) * ROW_MS / 1000
        expected = seconds - seconds[99] > 1.5
        np.testing.assert_array_equal(rows.rows, expected)
    assert "show frames that trained the version" in rows.reason


def new_to(data: Path, registry: Registry, version: int) -> list[str]:
    """Return the names of the datasets that a version is known not to have seen, without ids."""
    with open_held_out(data, registry, version) as held:
        return sorted(
            each.dataset.split("-")[0]
            for each in held
            if is_new_to(registry, version, each.dataset, each.reader)
        )


@pytest.mark.parametrize(
    ("use", "expected"),
    [
        pytest.param("trained", ["short"], id="one row trained it under another name"),
        pytest.param("validated", ["short"], id="one row chose its epoch under another name"),
        pytest.param("", ["long", "short"], id="none"),
        pytest.param("data", ["short"], id="trained on it by name"),
        pytest.param("unknown", [], id="it does not say which rows trained it"),
        pytest.param("imported", [], id="it descends from an imported model"),
    ],
)
def test_a_recording_is_new_only_to_a_version_that_surely_never_saw_it(
    registry: Registry, data: Path, use: str, expected: list[str]
) -> None:
    long, _ = named(data)
    stored = store_catalog.read_manifest(store_catalog.paths(data, long)[1])
    ids = store.read_row_ids(data, stored)
    none = np.zeros(0, dtype=np.uint64)
    folder = staged(registry.root, "job")
    gone = DatasetSplit(60, ((0, 30),), ((40, 60),))
    splits = {"gone-00000000": gone}
    if use == "data":
        splits[long] = DatasetSplit(252, ((0, 100),), ((120, 252),))
    split_file.write(folder / split_file.FILE, SplitFile(1.5, splits))
    if use != "unknown":
        one = {"trained": none, "validated": none} | {use: ids[7:8]}
        rows = TrainedRows.of(one["trained"], none, one["validated"])
        trained_rows.write(folder / trained_rows.FILE, rows)
    data_entries = [{"dataset": name, "rows": 60, "manifest_sha256": "0"} for name in splits]
    made = manifest("job", data=data_entries)
    if use == "imported":
        imported = manifest(
            "theirs",
            version=7,
            files={"model.h5": {"sha256": "a"}},
            config={"imported_from": "theirs.h5"},
            data=[],
        )
        made = lineage.descend(made, imported)
    version = registry.publish(folder, made).version
    assert new_to(data, registry, version) == expected
