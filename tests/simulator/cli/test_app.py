"""Tests the commands as a user types them; an error is one line, and the exit status is 1."""

import json
import subprocess
import sys
from pathlib import Path

import cv2
import pytest


def command(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "simulator", *words], capture_output=True, text=True, timeout=600
    )


@pytest.fixture(scope="module")
def points(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("track") / "short.csv"
    path.write_text("x,y\n0,0\n20,0\n40,0\n61,0\n")
    return path


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["drive", "--light", "night"], "there is no such light: got night"),
        (["drive-many", "--lights", "clear,night"], "there is no such light: got night"),
        (["drive", "--bridge", "ws://127.0.0.1:1"], "no bridge answers at ws://127.0.0.1:1"),
        (["drive", "--driver", "nobody"], "there is no such driver: got nobody"),
        (["drive", "--locale", "tlh"], "there is no such locale: got tlh"),
        (["record", "--out", "x", "--mph", "90"], "this is not a speed: got 90"),
        (["record", "--out", "x", "--track", "moon"], "there is no such track: got moon"),
        (["drive", "--track", "random:x"], "this is not a seed of a random track: got random:x"),
        (
            ["gallery", "--out", "sheet.jpg"],
            "the name of the picture must end in .png: got sheet.jpg",
        ),
    ],
)
def test_errors_are_reported_in_one_line(words: list[str], message: str) -> None:
    done = command(*words)
    assert done.returncode == 1
    assert done.stderr.startswith(f"simulator: {message}")
    assert len(done.stderr.splitlines()) == 1
    assert done.stdout == ""


def test_the_old_name_evaluate_warns_and_runs_drive_many() -> None:
    done = command("evaluate", "--lights", "clear,night")
    assert done.returncode == 1
    warning, error = done.stderr.splitlines()
    assert warning.startswith("simulator: `evaluate` is now called `drive-many`")
    assert error.startswith("simulator: there is no such light: got night")


def test_the_old_name_evaluate_is_not_in_the_help() -> None:
    assert "drive-many" in command("--help").stdout
    assert "evaluate" not in command("--help").stdout


def test_a_failed_drive_exits_with_1_and_reports_the_reason(points: Path, tmp_path: Path) -> None:
    bend = tmp_path / "bend.csv"
    bend.write_text("x,y\n0,0\n20,0\n40,5\n50,25\n50,60\n")
    words = ["--driver", "straight", "--no-film", "--json", "--out", str(tmp_path / "out")]
    done = command("drive", "--track", str(bend), *words)
    assert done.returncode == 1
    assert json.loads(done.stdout)["interventions"][0]["reason"] == "left the road"
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["drive.json", "drive.png"]


def test_the_expert_drives_a_track_from_a_file(points: Path) -> None:
    done = command("drive", "--track", str(points), "--driver", "expert")
    assert done.returncode == 0
    assert "0 interventions" in done.stdout


def test_the_expert_drives_a_random_track(tmp_path: Path) -> None:
    words = ["--track", "random:3", "--laps", "0.02", "--no-film", "--out", str(tmp_path)]
    done = command("drive", *words, "--driver", "expert", "--reverse", "--json")
    assert done.returncode == 0
    assert json.loads(done.stdout)["track"] == "random:3"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["drive.json", "drive.png"]


def test_an_existing_recording_is_left_alone_with_once(points: Path, tmp_path: Path) -> None:
    words = ["record", "--track", str(points), "--laps", "1", "--out", str(tmp_path / "run")]
    assert command(*words).returncode == 0
    before = (tmp_path / "run" / "driving_log.csv").read_bytes()
    again = command(*words)
    assert again.returncode == 1
    assert "is not empty" in again.stderr
    assert command(*words, "--once").returncode == 0
    assert (tmp_path / "run" / "driving_log.csv").read_bytes() == before


def test_a_gallery_is_a_picture(points: Path, tmp_path: Path) -> None:
    out = tmp_path / "made" / "sheet.png"
    assert command("gallery", "--track", str(points), "--out", str(out)).returncode == 0
    picture = cv2.imread(str(out))
    assert picture is not None
    assert picture.shape[1] == 1320
