import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from support.data.models import manifest
from support.data.versions import staged

from contract.dataset import split_file
from contract.dataset.split_file import DatasetSplit, SplitFile
from contract.errors import StoreError
from contract.models.registry import Registry
from evaluator.offline.held_out import open_held_out


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    return Registry(tmp_path)


def publish(registry: Registry, datasets: dict[str, DatasetSplit] | None, *trained: str) -> int:
    """Publish a version that was trained on datasets; without a split it does not say how."""
    folder = staged(registry.root, "job")
    if datasets is not None:
        split_file.write(folder / split_file.FILE, SplitFile(1.5, datasets))
    data = [{"dataset": each, "rows": 0, "manifest_sha256": "0"} for each in trained]
    return registry.publish(folder, manifest("job", data=data)).version


def named(data: Path) -> tuple[str, str]:
    """Return the names of both datasets."""
    [long] = [path.stem for path in (data / "stores").glob("long-*.json")]
    [short] = [path.stem for path in (data / "stores").glob("short-*.json")]
    return long, short


def test_of_what_it_was_trained_on_only_what_validated(registry: Registry, data: Path) -> None:
    long, short = named(data)
    sides = DatasetSplit(252, train=((0, 190),), validation=((210, 230), (242, 252)))
    version = publish(registry, {long: sides}, long)
    with open_held_out(data, registry, version) as held:
        found = {each.dataset: each for each in held}
        assert np.flatnonzero(found[long].rows).tolist() == [*range(210, 230), *range(242, 252)]
        assert found[long].reason == "30 validation rows; no row of training within 1.5 s of them"
        assert found[short].rows.all()
        assert found[short].reason == "not trained on"
        assert len(found[short].reader.rows) == 60


def test_without_a_split_only_what_it_does_not_name(registry: Registry, data: Path) -> None:
    """An earlier release's version does not say which rows trained it."""
    long, short = named(data)
    with open_held_out(data, registry, publish(registry, None, long)) as held:
        assert [each.dataset for each in held] == [short]


def test_a_volume_without_recordings_has_nothing(registry: Registry, tmp_path: Path) -> None:
    with open_held_out(tmp_path / "nowhere", registry, publish(registry, {}, "lake")) as held:
        assert held == []


def test_the_stores_are_closed_at_the_end(registry: Registry, data: Path) -> None:
    out = np.empty((1, 128, 128, 3), np.uint8)
    with open_held_out(data, registry, publish(registry, {})) as held:
        held[0].reader.gather(np.array([0]), out)
    for each in held:
        with pytest.raises(StoreError, match="cannot be read any more"):
            each.reader.gather(np.array([0]), out)


def test_a_store_that_has_other_rows_by_now_is_refused(registry: Registry, data: Path) -> None:
    """Else rows that trained it would be taken for rows that did not."""
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


def test_a_dataset_that_was_removed_is_not_missed(
    registry: Registry, data: Path, tmp_path: Path
) -> None:
    copy = Path(shutil.copytree(data, tmp_path / "data"))
    long, short = named(copy)
    for path in (copy / "stores").glob(f"{long}.*"):
        path.unlink()
    version = publish(registry, {long: DatasetSplit(252, ((0, 200),), ((230, 250),))}, long)
    with open_held_out(copy, registry, version) as held:
        assert [each.dataset for each in held] == [short]


def test_recordings_are_listed_as_they_came(registry: Registry, data: Path) -> None:
    made = {
        path.stem: json.loads(path.read_text())["created_at"]
        for path in (data / "stores").glob("[!.]*.json")
    }
    with open_held_out(data, registry, publish(registry, {})) as held:
        assert [each.dataset for each in held] == sorted(made, key=lambda each: (made[each], each))
