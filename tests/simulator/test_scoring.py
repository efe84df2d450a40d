"""The command as people call it, in a process of its own."""

import json
import subprocess
import sys
from pathlib import Path

import models
import pytest
import samples

from contract.registry import Registry
from simulator.scoring import leak


def score(*words: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "simulator", "score", *map(str, words)],
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip


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
    assert lake["leak"].startswith("trained on lake")
    assert other["leak"] == "none by name: trained on lake"
    shown = score(1, folders[0], "--models", registry.root)
    assert shown.returncode == 0, shown.stderr
    for word in ("version 1", "predict zero", "hold last", "skill -", "leak: trained on lake"):
        assert word in shown.stdout


def test_a_dataset_is_known_by_its_recordings_name() -> None:
    def said(*datasets: str, name: str = "Lake 2") -> str:
        manifest = models.manifest("job", data=[{"dataset": each} for each in datasets])
        return leak(manifest, name)

    assert said("lake-2-0123abcd").startswith("trained on lake-2-0123abcd")
    assert said("lake-0123abcd").startswith("none by name")
    assert said("lake-2-0123abcd", name="lake").startswith("none by name")
    assert said().startswith("not known")


def test_a_broken_picture_and_a_missing_version_are_one_line(
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
