"""Tests drives over the real bridge, with a small HTTP server in place of inference."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from support.services import answering, driving


@pytest.fixture(scope="module")
def points(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("track") / "short.csv"
    path.write_text("x,y\n0,0\n20,0\n40,0\n61,0\n")
    return path


def drive_many(
    points: Path, steering: float, out: Path, *words: str
) -> subprocess.CompletedProcess:
    with answering.inference() as inference:
        inference.body = json.dumps({"steering": steering}).encode()
        with driving.bridge(inference.url) as port:
            return subprocess.run(
                [
                    sys.executable,
                    "-m",
                    "simulator",
                    "drive-many",
                    "--track",
                    str(points),
                    "--starts",
                    "2",
                    "--offset",
                    "0.1",
                    "--lights",
                    "clear,dusk",
                    "--out",
                    str(out),
                    "--bridge",
                    f"ws://127.0.0.1:{port}",
                    *words,
                ],
                capture_output=True,
                text=True,
                timeout=100,
            )


def test_a_model_that_steers_straight_drives_a_straight_road(points: Path, tmp_path: Path) -> None:
    done = drive_many(points, 0.0, tmp_path / "out", "--json")
    document = json.loads(done.stdout)
    assert done.returncode == (0 if document["successes"] == 2 else 1), done.stderr
    assert document["drives"] == 2
    assert [outcome["direction"] for outcome in document["outcomes"]] == [1, -1]
    assert json.loads((tmp_path / "out" / "evaluation.json").read_text()) == document
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "01",
        "02",
        "evaluation.json",
    ]
    assert {path.name for path in (tmp_path / "out" / "01").iterdir()} == {
        "drive.json",
        "drive.png",
    }


def test_a_model_that_steers_to_one_side_fails_with_status_1(points: Path, tmp_path: Path) -> None:
    done = drive_many(points, 0.4, tmp_path / "out")
    assert done.returncode == 1
    assert "failed" in done.stdout
    assert "0 of 2" in done.stdout


def test_a_missing_bridge_is_reported_in_one_line(points: Path) -> None:
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "simulator",
            "drive-many",
            "--track",
            str(points),
            "--bridge",
            "ws://127.0.0.1:1",
        ],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 1
    assert done.stderr.startswith("simulator: no bridge answers at ws://127.0.0.1:1")
