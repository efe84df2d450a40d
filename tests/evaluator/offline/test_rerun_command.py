"""Runs the command `rerun` in a process of its own, as people do."""

import dataclasses
import json
import shutil
import subprocess
import sys
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from support.data import models, samples

from contract.errors import SettingError
from contract.models.registry import Registry
from evaluator.offline import logged_drive, replay_policies
from evaluator.offline.log_replay import replay_log
from evaluator.offline.path_plot import draw_replay
from evaluator.offline.rerun_command import parse_limits
from evaluator.offline.view_warp import ViewWarp
from simulator.calibration.preset import write_preset
from simulator.rendering.scene_preset import CameraPose, ScenePreset


def rerun(*words: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "evaluator.offline", "rerun", *map(str, words)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return samples.recording(tmp_path / "run", rows=60)


def test_a_policy_without_a_model_writes_plot_and_video(tmp_path: Path, folder: Path) -> None:
    plot, film = tmp_path / "out" / "run.png", tmp_path / "out" / "run.mp4"
    done = rerun(folder, "--policy", "mirrored", "--plot", plot, "--video", film, "--json")
    assert done.returncode == 0, done.stderr
    [found] = json.loads(done.stdout)
    assert (found["recording"], found["rows"], found["cameras"]) == ("run", 60, 3)
    assert [each["limit_m"] for each in found["drives"]] == [1.0, 3.0]
    assert found["drives"][0]["autonomy_percent"] < found["drives"][1]["autonomy_percent"]
    assert cv2.imread(str(plot)).shape[1] == 1600
    with av.open(str(film)) as opened:
        assert sum(1 for _ in opened.decode(video=0)) == 60


def test_a_version_drives_and_is_named(tmp_path: Path, folder: Path, networks: Path) -> None:
    registry = Registry(tmp_path / "models")
    registry.root.mkdir()
    models.publish(registry, networks / "left", "one")
    models.publish(registry, networks / "right", "two")
    found = {}
    for words in (("--model", 1), ()):
        done = rerun(folder, "--models", registry.root, "--limit", "20", "--json", *words)
        assert done.returncode == 0, done.stderr
        [document] = json.loads(done.stdout)
        found[document["driver"]] = document["drives"][0]["deviation_max_m"]
    assert set(found) == {"model, version 1", "model, version 2"}
    assert min(found.values()) > 0.5


def test_the_table_names_the_problems_of_a_recording(folder: Path) -> None:
    for side in ("left", "right"):
        for path in folder.glob(f"IMG/{side}_*.jpg"):
            path.unlink()
    done = rerun(folder, "--policy", "recorded")
    assert done.returncode == 0, done.stderr
    assert "100.0 %" in done.stdout
    assert "run: it has the centre camera only" in done.stdout


def test_the_road_is_told_beside_the_path(folder: Path) -> None:
    """Without it, nothing is said of the road."""
    [with_road], [without] = (
        json.loads(rerun(folder, "--policy", "zero", "--json", *words).stdout)
        for words in ((), ("--no-road",))
    )
    assert set(with_road["road"]) == {
        "width_m",
        "found_percent",
        "std_m",
        "driver_left_m",
        "driver_off_road_percent",
    }
    assert set(with_road["drives"][0]["road"]) == {"off_road_percent", "times_off_road"}
    assert (without["road"], without["drives"][0]["road"]) == (None, None)
    left_m = with_road["drives"][1]["steady_offset_m"]
    remaining = with_road["drives"][1]["deviation_without_steady_rmse_m"]
    assert remaining <= with_road["drives"][1]["deviation_rmse_m"] + abs(left_m)
    table = rerun(folder, "--policy", "zero").stdout
    assert "the road was found in" in table
    assert "off the road" in table


def test_a_preset_says_how_the_cameras_stood(folder: Path, tmp_path: Path) -> None:
    """Without it, these painted pictures cannot tell, and rerun says so."""
    preset = tmp_path / "preset.json"
    pose = CameraPose(0.5, 6.0, 0.0, 1.9, 138.6)
    write_preset(preset, ScenePreset(pose))
    done = rerun(folder, "--policy", "zero", "--preset", preset, "--json")
    assert done.returncode == 0, done.stderr
    [found] = json.loads(done.stdout)
    assert found["cameras_pose"] == {**dataclasses.asdict(pose), "known_from": str(preset)}
    assert "1.27 m high and look 8.1° down, by those of real" in rerun(
        folder, "--policy", "zero"
    ).stdout.replace("\n", " ")


def test_two_recordings_of_an_archive_are_replayed_but_not_plotted(tmp_path: Path) -> None:
    for name in ("one", "two"):
        samples.recording(tmp_path / "runs" / name, rows=20)
    archive = shutil.make_archive(str(tmp_path / "runs"), "gztar", tmp_path / "runs")
    done = rerun(archive, "--policy", "zero", "--json")
    assert done.returncode == 0, done.stderr
    assert [each["recording"] for each in json.loads(done.stdout)] == ["runs-one", "runs-two"]
    plotted = rerun(archive, "--policy", "zero", "--plot", tmp_path / "run.png")
    assert plotted.returncode == 1
    assert "run.png cannot be written: got 2 recordings" in plotted.stderr


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--policy", "best"), "there is no such policy: got best"),
        (("--policy", "zero", "--model", "1"), "this policy does not use a model"),
        (("--models", "nowhere"), "no model was published yet"),
        (("--models", "nowhere", "--model", "7"), "no such model version: got 7"),
        (("--policy", "zero", "--limit", "one"), "--limit has a value it cannot take"),
        (("--policy", "zero", "--plot", "run.jpg"), "run.jpg cannot be written"),
        (("--policy", "zero", "--video", "run.avi"), "run.avi cannot be written"),
    ],
)
def test_an_error_is_one_line(folder: Path, words: tuple[str, ...], message: str) -> None:
    done = rerun(folder, *words)
    assert done.returncode == 1
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_a_missing_recording_is_one_line(tmp_path: Path) -> None:
    done = rerun(tmp_path, "--policy", "zero")
    assert done.returncode == 1
    assert "there is no driving_log.csv in the recording" in done.stderr


def test_limits_are_parsed_as_metres() -> None:
    assert parse_limits("1,3") == [1.0, 3.0]
    assert parse_limits("0.5") == [0.5]
    for text in ("", "0", "1,-3", "nan", "inf", "1,2,3,4,5,6", "1;3"):
        with pytest.raises(SettingError):
            parse_limits(text)


def test_a_pause_adds_no_distance_to_the_plot(folder: Path, tmp_path: Path) -> None:
    """It is not known where the car went in a pause."""
    drive = logged_drive.read_folder(folder)
    after = np.arange(len(drive.time_s)) >= 30
    plots = []
    for pause_s in (1.0, 100.0):
        paused = dataclasses.replace(
            drive, time_s=drive.time_s + pause_s * after, segment=after.astype(np.int64)
        )
        policy = replay_policies.make_policy("zero", paused, None, 1)
        driven = replay_log(paused, policy, 1.0, ViewWarp())
        plot = tmp_path / "replay.png"
        draw_replay(plot, paused, driven, "zero")
        plots.append(plot.read_bytes())
    assert plots[0] == plots[1]
