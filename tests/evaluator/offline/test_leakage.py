"""What a training had of a recording, by real stores and the trainer's own split."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from support.data import models, samples

from contract.dataset import split_file, store
from contract.dataset.split_file import DatasetSplit, SplitFile
from contract.errors import SettingError
from contract.models.registry import ModelManifest
from contract.settings import load
from evaluator.offline import leakage, logged_drive
from evaluator.offline.leakage import TrainingOverlap
from ingest.job import import_source
from ingest.settings import Settings
from trainer.data.split import split

GAP_S = 0.5


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    return samples.recording(tmp_path / "lake", rows=90)


@pytest.fixture
def dataset(tmp_path: Path, lake: Path) -> str:
    """The name of its store."""
    settings = load(Settings, {"LAPWING_DATA_DIR": str(tmp_path / "data")})
    (imported,) = import_source(settings, lake, None, 0.05, lambda **_: None)
    return str(imported["dataset"])


@pytest.fixture
def parted(tmp_path: Path, dataset: str) -> SplitFile:
    """How the trainer parts its rows."""
    data = tmp_path / "data"
    manifest = store.read_manifest(store.paths(data, dataset)[1])
    with store.open_store(data, manifest) as reader:
        found = split([reader.rows], "blocks", 0.2, GAP_S, seed=1)
    sides = [split_file.runs(side[0]) for side in (found.train, found.validation)]
    return SplitFile(GAP_S, {dataset: DatasetSplit(manifest.rows, *sides)})


def manifest(datasets: Sequence[str]) -> ModelManifest:
    return models.manifest("job", data=[{"dataset": each} for each in datasets])


def told(folder: Path, datasets: Sequence[str], parted: SplitFile | None = None) -> TrainingOverlap:
    with logged_drive.open_recordings(folder) as (source,):
        return leakage.find_overlap(
            source, logged_drive.read_recording(source), manifest(datasets), parted
        )


ALL = np.ones(90, dtype=np.bool_)


def test_a_recording_is_known_under_any_name(lake: Path, dataset: str, parted: SplitFile) -> None:
    renamed = lake.rename(lake.parent / "yesterday")
    found = told(renamed, ["other-01234567", dataset], parted)
    assert found.dataset == dataset
    document = found.document(ALL)
    validated = sum(end - first for first, end in parted.datasets[dataset].validation)
    assert (document["rows"], document["validated"]) == (90, validated)
    assert 0 < document["trained"] < 90 - validated
    assert document["scored_near_trained"] >= document["trained"]
    assert "these figures tell in part what was remembered" in document["says"]


def test_what_is_held_out_has_no_trained_row_within_the_gap(
    lake: Path, dataset: str, parted: SplitFile
) -> None:
    found = told(lake, [dataset], parted)
    held = found.held_out()
    assert held is not None
    sides = parted.datasets[dataset]
    for first, end in sides.validation:
        assert held[first:end].all()
    times = np.arange(90) * samples.ROW_MS / 1000
    trained = np.concatenate([times[first:end] for first, end in sides.train])
    distance = np.abs(times[:, None] - trained[None]).min(axis=1)
    np.testing.assert_array_equal(held, distance > GAP_S)
    document = found.document(held)
    assert document["scored_near_trained"] == 0
    assert document["nearest_s"] == pytest.approx(distance[held].min(), abs=1e-3)
    assert (
        f"none that was trained on lies within 0.5 s of a scored one, nearest {0.536:.2f} s"
        in (document["says"])
    )


def test_rows_without_their_pictures_do_not_move_the_others(tmp_path: Path, lake: Path) -> None:
    """Neither ingest nor the score takes them, so the numbers are those of the store."""
    for row in (0, 40):
        (lake / "IMG" / f"left_{samples.stamp(row)}.jpg").unlink()
    settings = load(Settings, {"LAPWING_DATA_DIR": str(tmp_path / "data")})
    (imported,) = import_source(settings, lake, None, 0.05, lambda **_: None)
    assert imported["rows"] == 88
    parted = SplitFile(0.1, {imported["dataset"]: DatasetSplit(88, ((0, 20),), ((39, 88),))})
    found = told(lake, [imported["dataset"]], parted)
    assert found.rows is not None
    assert found.rows.trained.sum() == 20
    # The 20th row that was taken is line 21; the next is 67 ms later.
    np.testing.assert_allclose(found.rows.distance_s[18:23], [0, 0, 0.067, 0.134, 0.201], atol=1e-6)


def test_other_content_under_the_same_name_is_said(lake: Path, dataset: str) -> None:
    log = lake / "driving_log.csv"
    log.write_text("".join(log.read_text().splitlines(keepends=True)[:50]))
    found = told(lake, [dataset])
    assert found.dataset is None
    assert found.held_out() is None
    says = found.document(ALL[:50])["says"]
    assert says.startswith("none by content (")
    assert f"{dataset} has its name; whether they share rows is not known" in says


@pytest.mark.parametrize("kept", ["nothing", "another dataset", "other rows"])
def test_rows_of_which_nothing_is_kept_are_not_called_held_out(
    lake: Path, dataset: str, parted: SplitFile, kept: str
) -> None:
    other = {
        "another dataset": {"x-01234567": DatasetSplit(90, (), ())},
        "other rows": {dataset: DatasetSplit(89, (), ())},
    }
    split = None if kept == "nothing" else SplitFile(GAP_S, other[kept])
    found = told(lake, [dataset], split)
    assert found.document(ALL)["says"].startswith(f"trained on {dataset}, it is not known on which")
    with pytest.raises(SettingError, match="which rows of lake were held out is not known"):
        found.held_out()


def test_of_an_imported_model_nothing_is_known(lake: Path) -> None:
    found = told(lake, [])
    assert found.document(ALL)["says"].startswith("not known: the manifest lists no recordings")
    with pytest.raises(SettingError, match="not known"):
        found.held_out()


def test_a_recording_that_only_validated_is_held_out_as_a_whole(lake: Path, dataset: str) -> None:
    found = told(lake, [dataset], SplitFile(1.0, {dataset: DatasetSplit(90, (), ((0, 90),))}))
    held = found.held_out()
    assert held is not None
    assert held.all()
    document = found.document(held)
    assert (document["trained"], document["nearest_s"]) == (0, None)
    assert document["says"].endswith("none that was trained on lies within 1 s of a scored one")
