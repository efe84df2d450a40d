import dataclasses
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
import tables
from support.data import samples

from contract.dataset import dataset_labels, exclusions, store_catalog
from contract.errors import StoreError
from contract.settings import load
from ingest.doctor import store_faults
from ingest.job import import_source
from ingest.settings import Settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """The settings of a data volume with a dataset of 30 rows."""
    settings = load(Settings, {"LAPWING_DATA_DIR": str(tmp_path / "data")})
    import_source(settings, samples.recording(tmp_path / "run", rows=30), None, 0, lambda **_: None)
    return settings


def manifest_path(settings: Settings) -> Path:
    [path] = store_catalog.manifest_paths(settings.data_dir)
    return path


def to_schema_1(settings: Settings) -> dict[str, Any]:
    """Write the manifest as the first schema had it, with digests that PyTables' frames give."""
    path = manifest_path(settings)
    document: dict[str, Any] = json.loads(path.read_text())
    with tables.open_file(str(path.with_suffix(".h5"))) as file:
        frames = file.root.frames.read()
    del document["block_checksums"], document["checksum"]
    document["schema"] = 1
    document["block_sha256"] = [
        hashlib.sha256(frames[start : start + 32].tobytes()).hexdigest()
        for start in range(0, len(frames), 32)
    ]
    path.write_text(json.dumps(document))
    return document


def flip_a_bit(settings: Settings) -> None:
    path = manifest_path(settings).with_suffix(".h5")
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def test_a_sound_dataset_has_no_fault(settings: Settings) -> None:
    sound, faults = store_faults.find_faults(settings.data_dir)
    assert ([m.rows for m in sound], faults) == ([30], {})


def test_a_flipped_bit_is_a_fault(settings: Settings) -> None:
    flip_a_bit(settings)
    [(dataset, reason)] = store_faults.find_faults(settings.data_dir)[1].items()
    assert reason.startswith(f"the store {dataset}.h5 is damaged: ")


def test_an_old_manifest_is_migrated_to_what_this_release_writes(settings: Settings) -> None:
    [wanted] = store_catalog.read_manifests(settings.data_dir)
    to_schema_1(settings)
    sound, faults = store_faults.find_faults(settings.data_dir)
    [finding] = store_faults.describe_faults(settings.data_dir, faults)
    assert (sound, finding.cure) == ([], "lapwing doctor --cure migrates it to this release")
    store_faults.migrate(settings.data_dir, wanted.dataset)
    assert store_catalog.read_manifests(settings.data_dir) == [wanted]


def test_a_damaged_store_is_not_migrated(settings: Settings) -> None:
    document = to_schema_1(settings)
    flip_a_bit(settings)
    with pytest.raises(StoreError, match="is damaged: got block"):
        store_faults.migrate(settings.data_dir, document["dataset"])
    assert json.loads(manifest_path(settings).read_text()) == document


def test_a_manifest_without_all_digests_is_not_migrated(settings: Settings) -> None:
    document = to_schema_1(settings)
    document["block_sha256"].pop()
    manifest_path(settings).write_text(json.dumps(document))
    with pytest.raises(StoreError, match="2 digests of 3 blocks"):
        store_faults.migrate(settings.data_dir, document["dataset"])


def test_a_torn_dataset_is_imported_again_under_its_name(
    settings: Settings, tmp_path: Path
) -> None:
    """What people said about it stays, although the folder has another name now."""
    [wanted] = store_catalog.read_manifests(settings.data_dir)
    exclusions.exclude(settings.data_dir, wanted.dataset, [(3, 4)], "off the road")
    dataset_labels.write(settings.data_dir, wanted.dataset, "noon", {})
    manifest_path(settings).write_text('{"dataset": "run')
    moved = (tmp_path / "run").rename(tmp_path / "moved")
    cured = store_faults.import_again(settings, moved, tmp_path / "scratch", [wanted.dataset])
    assert cured == [wanted.dataset]
    [manifest] = store_catalog.select_manifests(settings.data_dir, ["noon"])
    changed = {"created_at": wanted.created_at, "source": wanted.source}
    assert dataclasses.replace(manifest, **changed) == wanted
    assert exclusions.read(settings.data_dir, wanted.dataset).lines == ((3, 4),)


def test_a_recording_of_a_sound_dataset_is_left_alone(settings: Settings, tmp_path: Path) -> None:
    assert store_faults.import_again(settings, tmp_path / "run", tmp_path / "scratch", []) == []
    other = samples.recording(tmp_path / "other", rows=10, seed=3)
    assert store_faults.import_again(settings, other, tmp_path / "scratch", ["run-1"]) == []
    assert store_faults.find_datasets(settings.data_dir, other, tmp_path / "scratch") == [None]
