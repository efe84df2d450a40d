"""The way of a preset: written, recorded with, and found again from the recording's images."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from simulator.calibration.preset import read_preset, write_preset
from simulator.rendering.scene_preset import CameraPose, ScenePreset, SurfaceLook

PRESET = ScenePreset(
    CameraPose(0.72, 8.0, -1.0, 1.35), surfaces={"road": SurfaceLook((1.2, 1.0, 0.8))}
)


def command(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "simulator", *words], capture_output=True, text=True, timeout=600
    )


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a recording whose cameras stand 1.35 m high, 8 degrees down, rolled clockwise."""
    folder = tmp_path_factory.mktemp("preset")
    (folder / "road.csv").write_text("x,y\n0,0\n20,0\n40,0\n61,0\n")
    write_preset(folder / "preset.json", PRESET)
    words = ["--track", str(folder / "road.csv"), "--laps", "1", "--mph", "25"]
    files = ["--preset", str(folder / "preset.json"), "--out", str(folder / "run")]
    assert command("record", *words, *files).returncode == 0
    return folder / "run"


def test_a_recording_says_from_where_it_was_seen(run: Path) -> None:
    scene = json.loads((run / "scene.json").read_text())
    assert scene["camera"]["height_m"] == 1.35
    assert scene["surfaces"]["road"]["colour"] == [1.2, 1.0, 0.8]


def test_the_pose_is_found_and_kept_as_a_preset(run: Path, tmp_path: Path) -> None:
    out = tmp_path / "found.json"
    road = ["--track", str(run.parent / "road.csv"), "--moments", "12"]
    done = command("calibrate", str(run), str(run), *road, "--out", str(out), "--json")
    assert done.returncode == 0
    found = json.loads(done.stdout)
    assert found["moments"] == 24
    assert found["height_m"]["estimate"] == pytest.approx(1.35, abs=0.02)
    assert found["pitch_down_deg"]["estimate"] == pytest.approx(8.0, abs=0.3)
    assert found["roll_counterclockwise_deg"]["estimate"] == pytest.approx(-1.0, abs=0.15)
    fit = found["regions"]["road"]
    for factor, margin, true in zip(
        fit["colour"], fit["colour_margins"], (1.2, 1.0, 0.8), strict=True
    ):
        assert factor == pytest.approx(true, abs=max(margin, 0.05))
    assert read_preset(out).surface("road").colour == tuple(fit["colour"])
    assert read_preset(out).camera.height_m == found["height_m"]["estimate"]


def test_a_table_shows_estimates_with_margins(run: Path) -> None:
    done = command(
        "calibrate", str(run), "--moments", "12", "--track", str(run.parent / "road.csv")
    )
    assert done.returncode == 0
    assert "height above the road" in done.stdout + done.stderr
    assert "road: red, green, blue times" in done.stdout + done.stderr
    assert "± 0.0" in done.stdout + done.stderr


def test_a_bad_preset_is_one_line(tmp_path: Path) -> None:
    done = command("record", "--out", str(tmp_path / "x"), "--preset", str(tmp_path / "gone.json"))
    assert done.returncode == 1
    assert done.stderr.startswith("simulator: the preset cannot be read")
    assert len(done.stderr.splitlines()) == 1
