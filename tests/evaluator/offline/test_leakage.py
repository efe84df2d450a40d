"""Finds the overlap of recordings with a training, with real stores and the trainer's split."""

import dataclasses
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
from support.data import models, samples

from contract.dataset import split_file, store, store_catalog
from contract.dataset.split_file import DatasetSplit, SplitFile
from contract.dataset.trained_rows import TrainedRows
from contract.errors import SettingError
from contract.models.lineage import Ancestor
from contract.models.registry import ModelManifest
from contract.settings import load
from evaluator.offline import leakage, logged_drive
from evaluator.offline.leakage import TrainingOverlap
from ingest.job import import_source
from ingest.settings import Settings
from trainer.data import dataset_rows
from trainer.data.split import split

GAP_S = 0.5


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    return samples.recording(tmp_path / "lake", rows=90)


@pytest.fixture
def dataset(tmp_path: Path, lake: Path) -> str:
    """Return the name of the recording's store."""
    settings = load(Settings, {"LAPWING_DATA_DIR": str(tmp_path / "data")})
    (imported,) = import_source(settings, lake, None, 0.05, lambda **_: None)
    return str(imported["dataset"])


@pytest.fixture
def split_of_dataset(tmp_path: Path, dataset: str) -> SplitFile:
    """Return the split that the trainer makes of its rows."""
    data = tmp_path / "data"
    manifest = store_catalog.read_manifest(store_catalog.paths(data, dataset)[1])
    with store.open_store(data, manifest) as reader:
        split_rows = split(dataset_rows.read([reader]), "blocks", 0.2, GAP_S, seed=1)
    sides = [split_file.runs(side[0]) for side in (split_rows.train, split_rows.validation)]
    return SplitFile(GAP_S, {dataset: DatasetSplit(manifest.rows, *sides)})


def manifest(datasets: Sequence[str]) -> ModelManifest:
    return models.manifest("job", data=[{"dataset": name} for name in datasets])


def overlap(
    folder: Path,
    datasets: Sequence[str],
    split: SplitFile | None = None,
    identities: TrainedRows | None = None,
) -> TrainingOverlap:
    with logged_drive.open_recordings(folder) as (source,):
        return leakage.find_overlap(
            source, logged_drive.read_recording(source), manifest(datasets), split, identities
        )


ALL = np.ones(90, dtype=np.bool_)


def test_a_recording_is_recognised_under_any_name(
    lake: Path, dataset: str, split_of_dataset: SplitFile
) -> None:
    renamed = lake.rename(lake.parent / "yesterday")
    result = overlap(renamed, ["other-01234567", dataset], split_of_dataset)
    assert result.dataset == dataset
    document = result.document(ALL)
    validated = sum(end - first for first, end in split_of_dataset.datasets[dataset].validation)
    assert (document["rows"], document["validated"]) == (90, validated)
    assert 0 < document["trained"] < 90 - validated
    assert document["scored_near_trained"] >= document["trained"]
    assert "these scores show in part what the model memorized" in document["says"]


def test_held_out_rows_have_no_training_row_within_the_gap(
    lake: Path, dataset: str, split_of_dataset: SplitFile
) -> None:
    result = overlap(lake, [dataset], split_of_dataset)
    held = result.held_out()
    assert held is not None
    sides = split_of_dataset.datasets[dataset]
    for first, end in sides.validation:
        assert held[first:end].all()
    times = np.arange(90) * samples.ROW_MS / 1000
    trained = np.concatenate([times[first:end] for first, end in sides.train])
    distance = np.abs(times[:, None] - trained[None]).min(axis=1)
    np.testing.assert_array_equal(held, distance > GAP_S)
    document = result.document(held)
    assert document["scored_near_trained"] == 0
    assert document["nearest_s"] == pytest.approx(distance[held].min(), abs=1e-3)
    assert (
        "no row that was trained on lies within 0.5 s of a scored row, the nearest is 0.54 s away"
        in document["says"]
    )


def test_rows_without_images_do_not_shift_the_row_numbers(tmp_path: Path, lake: Path) -> None:
    """Both ingest and the score leave them out, so the numbers are those of the store."""
    for row in (0, 40):
        (lake / "IMG" / f"left_{samples.stamp(row)}.jpg").unlink()
    settings = load(Settings, {"LAPWING_DATA_DIR": str(tmp_path / "data")})
    (imported,) = import_source(settings, lake, None, 0.05, lambda **_: None)
    assert imported["rows"] == 88
    split_of_dataset = SplitFile(
        0.1, {imported["dataset"]: DatasetSplit(88, ((0, 20),), ((39, 88),))}
    )
    result = overlap(lake, [imported["dataset"]], split_of_dataset)
    assert result.rows is not None
    assert result.rows.trained.sum() == 20
    # The 20th usable row is line 21; the next is 67 ms later.
    np.testing.assert_allclose(
        result.rows.distance_s[18:23], [0, 0, 0.067, 0.134, 0.201], atol=1e-6
    )


def test_other_content_under_the_same_name_is_reported(lake: Path, dataset: str) -> None:
    log = lake / "driving_log.csv"
    log.write_text("".join(log.read_text().splitlines(keepends=True)[:50]))
    result = overlap(lake, [dataset])
    assert result.dataset is None
    assert result.held_out() is None
    says = result.document(ALL[:50])["says"]
    assert says.startswith("none by content (")
    assert f"{dataset} has its name; it is not known whether they share rows" in says


@pytest.mark.parametrize("kept", ["nothing", "another dataset", "other rows"])
def test_without_a_matching_split_no_row_counts_as_held_out(
    lake: Path, dataset: str, split_of_dataset: SplitFile, kept: str
) -> None:
    other = {
        "another dataset": {"x-01234567": DatasetSplit(90, (), ())},
        "other rows": {dataset: DatasetSplit(89, (), ())},
    }
    split = None if kept == "nothing" else SplitFile(GAP_S, other[kept])
    result = overlap(lake, [dataset], split)
    assert result.document(ALL)["says"].startswith(
        f"trained on {dataset}, but it is not known on which"
    )
    with pytest.raises(SettingError, match="it is not known which rows of lake were held out"):
        result.held_out()


def test_the_overlap_of_an_imported_model_is_not_known(lake: Path) -> None:
    result = overlap(lake, [])
    assert result.document(ALL)["says"].startswith("not known: the manifest lists no recordings")
    with pytest.raises(SettingError, match="not known"):
        result.held_out()


def test_the_overlap_with_a_child_of_somebodys_model_is_not_known(lake: Path) -> None:
    """Nobody knows what trained the imported version from which it was trained further."""
    stranger = Ancestor(3, "0" * 64, "2026-01-02T03:04:05+00:00", [], "theirs.h5", data_known=False)
    child = dataclasses.replace(manifest(["jungle-01234567"]), lineage=[asdict(stranger)])
    with logged_drive.open_recordings(lake) as (source,):
        drive = logged_drive.read_recording(source)
        result = leakage.find_overlap(source, drive, child, SplitFile(1.0, {}), None)
    assert result.document(ALL)["says"].startswith("not known: the version was trained further")
    with pytest.raises(SettingError, match="version 3, and it is not known what trained that one"):
        result.held_out()


def test_a_recording_used_only_for_validation_is_held_out_entirely(
    lake: Path, dataset: str
) -> None:
    result = overlap(lake, [dataset], SplitFile(1.0, {dataset: DatasetSplit(90, (), ((0, 90),))}))
    held = result.held_out()
    assert held is not None
    assert held.all()
    document = result.document(held)
    assert (document["trained"], document["nearest_s"]) == (0, None)
    assert document["says"].endswith("no row that was trained on lies within 1 s of a scored row")
