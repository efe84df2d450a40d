"""Cuts the power while people say something about a dataset, and while one is removed."""

from collections.abc import Sequence
from pathlib import Path

from support.power.power_cuts import Record

from contract.dataset import dataset_labels, exclusions, overviews, store_catalog

PROGRAM = """
import dataclasses, json
from contract.dataset import dataset_files, dataset_labels, exclusions, overviews, store_catalog
from contract.dataset.overviews import DatasetOverview
from contract.dataset.store_catalog import SCHEMA, StoreManifest
from contract.files import atomic_files

manifest = StoreManifest("run-1", SCHEMA, {}, 9, 9, 9, 32, [], "0", {"name": "run", "sha256": "0"},
                         {}, "2026-01-02T03:04:05+00:00")
store, path = store_catalog.paths(root, "run-1")
atomic_files.make_folder(path.parent)
atomic_files.write_bytes(store, b"frames")
atomic_files.write_json(path, dataclasses.asdict(manifest))
acknowledge("dataset")
for number in (1, 2):
    exclusions.exclude(root, "run-1", [(number, number)], "off the road")
    acknowledge(f"excluded {number}")
exclusions.restore(root, "run-1", [(1, 1)], "")
acknowledge("excluded 3")
for label in ("day", "night"):
    dataset_labels.write(root, "run-1", label, {})
    acknowledge(f"label {label}")
digest = atomic_files.sha256(path)
overviews.write(root, DatasetOverview("run-1", digest, 9, 1, ((1, 9),), 0.1, 1, 0.5, 9.0, 0.0, 0.1,
                                      0.5, 0, []))
acknowledge("overview")
dataset_files.remove(root, "run-1")
acknowledge("removed")
"""


def check(disk: Path, acknowledged: Sequence[str]) -> None:
    stores = store_catalog.read_stores(disk)
    assert not stores.unreadable
    listed = [manifest.dataset for manifest in stores.manifests]
    if "removed" in acknowledged:
        assert listed == []
    if "overview" in acknowledged:  # from here on the dataset is being removed
        if listed:
            assert overviews.read(disk, "run-1") is not None
        return
    assert listed == ["run-1"] or "dataset" not in acknowledged
    if listed:
        assert store_catalog.paths(disk, "run-1")[0].read_bytes() == b"frames"
    excluded = exclusions.read(disk, "run-1")
    changes = [int(said.split()[1]) for said in acknowledged if said.startswith("excluded")]
    assert excluded.version >= max(changes, default=0)
    assert excluded.lines == [(), ((1, 1),), ((1, 2),), ((2, 2),)][excluded.version]
    label = dataset_labels.read(disk, "run-1")
    if "label night" in acknowledged:
        assert label == "night"
    elif "label day" in acknowledged:
        assert label in ("day", "night")
    folder = overviews.folder(disk, "run-1")
    assert not (folder / "overview.json").exists() or overviews.read(disk, "run-1") is not None


def test_what_was_said_about_a_dataset_stays_and_is_whole(record_program: Record) -> None:
    recording = record_program(PROGRAM)
    count, violation = recording.find_violation(check)
    assert violation is None
    assert count > 50
    assert recording.unneeded_syncs(check) == []
