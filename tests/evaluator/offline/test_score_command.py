"""Runs the command `score` in a process of its own, as people do."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from support.data import models, samples

from contract.dataset import split_file
from contract.dataset.split_file import DatasetSplit, SplitFile
from contract.models.registry import Registry
from contract.settings import load
from ingest.job import import_source
from ingest.settings import Settings


def score(*words: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "evaluator.offline", "score", *map(str, words)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.fixture
def registry(tmp_path: Path, networks: Path) -> Registry:
    registry = Registry(tmp_path / "models")
    registry.root.mkdir()
    models.publish(registry, networks / "left", "one")
    return registry


def test_a_version_is_scored_on_each_recording(tmp_path: Path, registry: Registry) -> None:
    folders = [samples.recording(tmp_path / name, rows=30) for name in ("lake", "other")]
    done = score(1, *folders, "--models", registry.root, "--json")
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert document["version"] == 1
    lake, other = document["recordings"]
    assert lake["score"]["rows"] == 30
    assert lake["score"]["bias_deg"] == pytest.approx(
        25 * (models.ANSWERS["left"] - sum(map(samples.steering_at, range(30))) / 30),
        abs=25 * models.NEAR,
    )
    assert sum(each["rows"] for each in lake["by_bin"]) == 30
    assert len(lake["by_camera"]) == 3
    # The network answers the same to all frames.
    assert lake["score"]["gain"] == pytest.approx(0, abs=models.NEAR)
    assert sum(each["rows"] for each in lake["score"]["gain_by_bin"]) == 30
    for each in (lake, other):
        assert each["leak"]["dataset"] is None
        assert each["leak"]["says"].startswith("none by content (")
    shown = score(1, folders[0], "--models", registry.root)
    assert shown.returncode == 0, shown.stderr
    for word in (
        "version 1",
        "predict zero",
        "hold last",
        "skill -",
        "gain on the smoothed label ",
        ", by its steering: ",
        "overlap with training: none by content",
    ):
        assert word in shown.stdout


def test_a_learned_speed_is_scored_beside_always_its_mean(
    tmp_path: Path, registry: Registry, networks: Path
) -> None:
    """The rows have 15.25, 16.25 and 17.25 mph in turn, whose mean over 0.6 s is 16.25."""
    models.publish(registry, networks / "fast", "two", **models.LEARNED_SPEED)
    lake = samples.recording(tmp_path / "lake", rows=45)
    done = score(2, lake, "--models", registry.root, "--json")
    assert done.returncode == 0, done.stderr
    speed = json.loads(done.stdout)["recordings"][0]["speed"]
    assert 30 < speed["speed_rows"] < 45  # the last half second has no label
    assert speed["speed_bias_mph"] == pytest.approx(models.FAST_MPH - 16.25, abs=30 * models.NEAR)
    assert speed["speed_rmse_mph"] >= abs(speed["speed_bias_mph"])
    assert speed["speed_rmse_mean_mph"] < 0.3
    shown = score(2, lake, "--models", registry.root)
    assert f"speed: RMSE {speed['speed_rmse_mph']:.2f} mph in {speed['speed_rows']:.0f}" in (
        shown.stdout
    )
    other = score(1, lake, "--models", registry.root, "--json")
    assert "speed" not in json.loads(other.stdout)["recordings"][0]


def test_held_out_scores_only_rows_that_were_not_trained_on(
    tmp_path: Path, registry: Registry, networks: Path
) -> None:
    lake = samples.recording(tmp_path / "lake", rows=60)
    other = samples.recording(tmp_path / "other", rows=30, seed=3)
    settings = load(Settings, {"LAPWING_DATA_DIR": str(tmp_path / "data")})
    (imported,) = import_source(settings, lake, None, 0.05, lambda **_: None)
    dataset = imported["dataset"]
    parted = shutil.copytree(networks / "left", tmp_path / "network")
    sides = DatasetSplit(60, ((0, 30),), ((46, 60),))
    split_file.write(parted / split_file.FILE, SplitFile(1.0, {dataset: sides}))
    models.publish(registry, parted, "parted", data=[{"dataset": dataset, "rows": 60}])
    archive = shutil.make_archive(str(tmp_path / "copy"), "zip", lake)
    done = score(2, archive, other, "--models", registry.root, "--held-out", "--json")
    assert done.returncode == 0, done.stderr
    known, unknown = json.loads(done.stdout)["recordings"]
    # Row 29 is the last training row; 15 rows of 67 ms are more than a second.
    assert known["score"]["rows"] == 60 - 44
    assert (known["leak"]["dataset"], known["leak"]["trained"]) == (dataset, 30)
    assert known["leak"]["scored_near_trained"] == 0
    rows = range(44, 60)
    assert known["score"]["bias_deg"] == pytest.approx(
        25 * (models.ANSWERS["left"] - sum(map(samples.steering_at, rows)) / 16),
        abs=25 * models.NEAR,
    )
    assert unknown["score"]["rows"] == 30
    shown = score(2, lake, "--models", registry.root, "--held-out")
    assert "lake, 16 rows that were held out" in shown.stdout
    assert "no row that was trained on lies within 1 s of a scored row" in shown.stdout
    unsure = score(1, lake, "--models", registry.root, "--held-out", "--json")
    assert json.loads(unsure.stdout)["recordings"][0]["leak"]["dataset"] is None


def test_a_recording_that_was_all_trained_on_has_no_held_out_rows(
    tmp_path: Path, registry: Registry, networks: Path
) -> None:
    lake = samples.recording(tmp_path / "lake", rows=20)
    settings = load(Settings, {"LAPWING_DATA_DIR": str(tmp_path / "data")})
    (imported,) = import_source(settings, lake, None, 0.05, lambda **_: None)
    parted = shutil.copytree(networks / "left", tmp_path / "network")
    sides = DatasetSplit(20, ((0, 20),), ())
    split_file.write(parted / split_file.FILE, SplitFile(1.0, {imported["dataset"]: sides}))
    models.publish(registry, parted, "all", data=[{"dataset": imported["dataset"]}])
    done = score(2, lake, "--models", registry.root, "--held-out")
    assert done.returncode == 1
    assert "no row of lake was held out" in done.stderr


def test_a_broken_image_and_a_missing_version_are_one_line_each(
    tmp_path: Path, registry: Registry
) -> None:
    folder = samples.recording(tmp_path / "run", rows=5)
    name = sorted((folder / "IMG").glob("left_*"))[2]
    name.write_bytes(b"\xff\xd8\xff")
    broken = score(1, folder, "--models", registry.root)
    missing = score(9, folder, "--models", registry.root)
    assert (broken.returncode, missing.returncode) == (1, 1)
    assert f"cannot be used: {name.name}" in broken.stderr
    assert "no such model version: got 9" in missing.stderr
