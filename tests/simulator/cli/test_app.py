"""The commands as a user types them: what is wrong is one line, and exit status 1."""

import json
import subprocess
import sys
from pathlib import Path

import cv2
import pytest


def command(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "simulator", *words], capture_output=True, text=True, timeout=60
    )


@pytest.fixture(scope="module")
def points(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("track") / "short.csv"
    path.write_text("x,y\n0,0\n20,0\n40,0\n61,0\n")
    return path


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["drive", "--light", "night"], "there is no such light: got night"),
        (["evaluate", "--lights", "clear,night"], "there is no such light: got night"),
        (["drive", "--bridge", "ws://127.0.0.1:1"], "no bridge answers at ws://127.0.0.1:1"),
        (["drive", "--driver", "nobody"], "no such driver: got nobody"),
        (["drive", "--locale", "tlh"], "no such locale: got tlh"),
        (["record", "--out", "x", "--mph", "90"], "this is no speed: got 90"),
        (["record", "--out", "x", "--track", "moon"], "there is no such track: got moon"),
        (["gallery", "--out", "sheet.jpg"], "the sheet is a .png: got sheet.jpg"),
    ],
)
def test_what_is_wrong_is_one_line(words: list[str], said: str) -> None:
    done = command(*words)
    assert done.returncode == 1
    assert done.stderr.startswith(f"simulator: {said}")
    assert len(done.stderr.splitlines()) == 1
    assert done.stdout == ""


def test_a_drive_that_fails_exits_with_1_and_tells_why(points: Path, tmp_path: Path) -> None:
    bend = tmp_path / "bend.csv"
    bend.write_text("x,y\n0,0\n20,0\n40,5\n50,25\n50,60\n")
    words = ["--driver", "straight", "--no-film", "--json", "--out", str(tmp_path / "out")]
    done = command("drive", "--track", str(bend), *words)
    assert done.returncode == 1
    assert json.loads(done.stdout)["interventions"][0]["reason"] == "left the road"
    assert sorted(each.name for each in (tmp_path / "out").iterdir()) == ["drive.json", "drive.png"]


def test_the_expert_drives_a_track_of_ones_own(points: Path) -> None:
    done = command("drive", "--track", str(points), "--driver", "expert")
    assert done.returncode == 0
    assert "0 interventions" in done.stdout


def test_a_recording_that_is_there_is_left_alone_where_that_is_asked_for(
    points: Path, tmp_path: Path
) -> None:
    words = ["record", "--track", str(points), "--laps", "1", "--out", str(tmp_path / "run")]
    assert command(*words).returncode == 0
    before = (tmp_path / "run" / "driving_log.csv").read_bytes()
    again = command(*words)
    assert again.returncode == 1
    assert "there is something already" in again.stderr
    assert command(*words, "--once").returncode == 0
    assert (tmp_path / "run" / "driving_log.csv").read_bytes() == before


def test_a_gallery_is_a_picture(points: Path, tmp_path: Path) -> None:
    out = tmp_path / "made" / "sheet.png"
    assert command("gallery", "--track", str(points), "--out", str(out)).returncode == 0
    picture = cv2.imread(str(out))
    assert picture is not None
    assert picture.shape[1] == 1320
