"""The explanation job runs without its queue; tests/test_end_to_end.py has both."""

import json
import shutil
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from support.data import model_files, models, samples

from contract import steering_metrics
from contract.dataset import split_file, store, store_catalog
from contract.dataset.split_file import DatasetSplit, SplitFile
from contract.errors import FrameError, JobError, ModelError
from contract.models.registry import H5, Registry
from contract.train_config import TrainConfig
from ingest.job import import_source
from ingest.settings import Settings as IngestSettings
from trainer.export import manifest as release
from trainer.jobs import explain, import_model
from trainer.jobs.import_model import ImportOptions
from trainer.settings import Settings

ROWS = 60


def no_report(**_: object) -> None:
    pass


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Return settings with empty volumes."""
    return Settings(data_dir=tmp_path / "data", model_dir=tmp_path / "models")


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory, networks: Path) -> Settings:
    """Return settings whose volumes hold a recording and an explained version trained on it."""
    folder = tmp_path_factory.mktemp("explained")
    settings = Settings(data_dir=folder / "data", model_dir=folder / "models")
    publish(folder, settings, networks)
    explained(settings)
    return settings


@pytest.fixture
def trained(tmp_path: Path, settings: Settings, kept: Settings) -> Settings:
    """Return settings with a copy of those volumes."""
    shutil.copytree(kept.data_dir, settings.data_dir)
    shutil.copytree(kept.model_dir, settings.model_dir, symlinks=True)
    return settings


def publish(folder: Path, settings: Settings, networks: Path) -> None:
    """Publish a version with a split of one recording, as a training does."""
    source = samples.recording(folder / "run", rows=ROWS)
    import_source(IngestSettings(data_dir=settings.data_dir), source, None, 0.0, no_report)
    (manifest,) = store_catalog.read_manifests(settings.data_dir)
    staged = settings.model_dir / ".staged"
    shutil.copytree(networks / "real", staged)
    sides = DatasetSplit(ROWS, ((0, 30),), ((35, 45), (50, 60)))
    split_file.write(staged / split_file.FILE, SplitFile(0.2, {manifest.dataset: sides}))
    made = release.trained_manifest(
        "train-1",
        settings.data_dir,
        [manifest],
        vars(TrainConfig(label_smoothing_s=0.5)),
        [],
        {},
        {},
    )
    Registry(settings.model_dir).publish(staged, made)


def explained(settings: Settings, *images: Path, version: int = 1) -> dict[str, Any]:
    return explain.explain(settings, "explain-1", no_report, version, images)


def test_a_version_is_explained_by_the_rows_that_validated_it(kept: Settings) -> None:
    folder = Registry(kept.model_dir).path(1) / "explanation"
    document = json.loads((folder / "explanation.json").read_text())
    listed = {each["file"] for each in document["pictures"]}
    assert {each.name for each in folder.iterdir()} == listed | {"explanation.json"}
    assert {
        "hardest.png",
        "over-time.png",
        "steering.png",
        "frame-1.png",
        "frame-3-convolution-5.png",
    } <= listed
    figures = {each["name"]: each for each in document["figures"]}
    assert figures["validation rows"] == {"name": "validation rows", "value": 20.0, "unit": "rows"}
    assert figures["validation mean error"]["unit"] == "deg"
    assert figures["expanded into samples"]["value"] == 30 * 6
    assert all(set(each) == {"name", "value", "unit"} for each in document["figures"])
    assert [len(each["files"]) for each in document["frames"]] == [6, 6, 6]
    assert [each["maps"] for each in document["frames"][0]["convolutions"]] == [24, 36, 48, 64, 64]
    rows = {each["row"] for each in document["hardest"]}
    assert rows <= {*range(35, 45), *range(50, 60)}
    errors = [abs(each["error_deg"]) for each in document["hardest"]]
    assert errors == sorted(errors, reverse=True)
    assert document["missing"] == []
    assert not (kept.model_dir / ".jobs" / "explain-1").exists()
    Registry(kept.model_dir).verify(1)


def test_a_new_explanation_with_own_images_replaces_the_whole_folder(
    tmp_path: Path, trained: Settings
) -> None:
    (tmp_path / "mine.jpg").write_bytes(samples.jpeg(0.4, 5))
    cv2.imwrite(str(tmp_path / "mine.png"), samples.picture(-0.4, 6, 90, 120)[..., ::-1])
    folder = Registry(trained.model_dir).path(1) / "explanation"
    (folder / "of-yesterday.png").write_bytes(b"")
    found = explained(trained, tmp_path / "mine.jpg", tmp_path / "mine.png")
    assert found["folder"] == str(folder)
    assert [each["name"] for each in found["frames"]] == ["mine.jpg", "mine.png"]
    assert "driver_deg" not in found["frames"][0]
    assert not (folder / "of-yesterday.png").exists()
    document = json.loads((folder / "explanation.json").read_text())
    assert document == {name: value for name, value in found.items() if name != "folder"}
    files = Registry(trained.model_dir).manifest(1).files
    assert {each.name for each in folder.parent.iterdir()} == {
        *files,
        "explanation",
        "manifest.json",
    }


def test_a_version_without_its_recordings_is_refused(tmp_path: Path, trained: Settings) -> None:
    shutil.rmtree(trained.data_dir)
    with pytest.raises(ModelError, match=r"no frame to show for version 1: got Nothing of run-"):
        explained(trained)
    (tmp_path / "mine.jpg").write_bytes(samples.jpeg())
    found = explained(trained, tmp_path / "mine.jpg")
    assert [each["file"] for each in found["pictures"]] == found["frames"][0]["files"]
    assert "there is no store run-" in found["missing"][0]


def test_a_version_of_an_earlier_release_says_what_is_missing(
    tmp_path: Path, settings: Settings, networks: Path
) -> None:
    models.publish(Registry(settings.model_dir), networks / "real", "job-1")
    (tmp_path / "mine.jpg").write_bytes(samples.jpeg())
    found = explained(settings, tmp_path / "mine.jpg")
    assert "does not say which rows validated it" in found["missing"][0]
    assert found["figures"] == []


def test_an_imported_model_is_explained_on_images(tmp_path: Path, settings: Settings) -> None:
    path = model_files.write(tmp_path / "theirs.h5", model_files.driver(2), 2)
    how = ImportOptions("theirs", crop=(60, 20), color="yuv")
    import_model.import_file(settings, "import-1", no_report, path, how)
    (tmp_path / "mine.jpg").write_bytes(samples.jpeg())
    found = explained(settings, tmp_path / "mine.jpg")
    assert "the version was imported" in found["missing"][0]
    (seen,) = found["frames"][0]["convolutions"]  # the one that mixes colours is not looked at
    assert seen["maps"] == 4


@pytest.mark.parametrize("content", [b"no picture", b"\xff\xd8\xff cut off"])
def test_a_file_that_is_not_an_image_is_refused_and_changes_nothing(
    tmp_path: Path, trained: Settings, content: bytes
) -> None:
    kept = Registry(trained.model_dir).path(1) / "explanation" / "explanation.json"
    before = kept.read_bytes()
    (tmp_path / "mine.jpg").write_bytes(content)
    with pytest.raises(FrameError, match="JPEG"):
        explained(trained, tmp_path / "mine.jpg")
    with pytest.raises(FrameError, match=r"the image none\.jpg cannot be read"):
        explained(trained, tmp_path / "none.jpg")
    with pytest.raises(FrameError, match="too many images: got 17"):
        explained(trained, *[tmp_path / "mine.jpg"] * 17)
    assert kept.read_bytes() == before


def test_a_damaged_version_is_not_explained(trained: Settings) -> None:
    path = Registry(trained.model_dir).path(1) / H5
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(ModelError, match="is not what its manifest says"):
        explained(trained)


def test_figures_are_of_the_rows_that_validated_the_version(kept: Settings) -> None:
    folder = Registry(kept.model_dir).path(1) / "explanation"
    document = json.loads((folder / "explanation.json").read_text())
    found = {each["name"]: each["value"] for each in document["figures"]}
    (manifest,) = store_catalog.read_manifests(kept.data_dir)
    with store.open_store(kept.data_dir, manifest) as reader:
        steering = reader.rows["steering"]
    rows = np.r_[35:45, 50:60]
    held = steering_metrics.hold_last(steering, np.zeros(ROWS, np.int64))
    assert found["validation MSE of predict-zero"] == pytest.approx(np.mean(steering[rows] ** 2))
    assert found["validation MSE of hold-last"] == pytest.approx(
        np.mean((held[rows] - steering[rows]) ** 2), rel=1e-5
    )


def test_outside_a_job_nothing_is_explained() -> None:
    with pytest.raises(JobError, match="this process runs no job"):
        explain.run(1)
