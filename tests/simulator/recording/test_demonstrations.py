import json
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from support.data.roads import straight

from contract.settings import load
from ingest.job import import_source
from ingest.settings import Settings
from simulator.drivers.expert import DrivingStyle
from simulator.recording.demonstrations import PAUSE_S, DemonstrationConfig, record_demonstration
from simulator.rendering.appearance import Appearance
from simulator.unity.number_format import find_locale

TRACK = straight(60.0)


def record_rows(folder: Path, config: DemonstrationConfig, name: str = "en-US") -> list[list[str]]:
    count = record_demonstration(TRACK, Appearance(), config, folder, find_locale(name))
    lines = (folder / "driving_log.csv").read_text().splitlines()
    assert len(lines) == count
    return [line.split(",") for line in lines]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("record") / "run"
    record_rows(folder, DemonstrationConfig(mph=(20.0, 20.0)))
    return folder


def row_times_s(rows: list[list[str]]) -> np.ndarray:
    """Return the times of the rows within their hour, in seconds."""
    stamps = [row[0].removesuffix(".jpg").split("_")[-3:] for row in rows]
    return np.array([60 * float(m) + float(s) + float(ms) / 1000 for m, s, ms in stamps])


def rows_of(folder: Path) -> list[list[str]]:
    return [line.split(",") for line in (folder / "driving_log.csv").read_text().splitlines()]


def test_it_drives_to_the_end_of_an_open_road(run: Path) -> None:
    speeds = [float(row[6]) for row in rows_of(run)]
    assert speeds[0] == 0
    assert max(speeds) == pytest.approx(20.0, abs=1.0)


def test_it_records_fifteen_rows_a_second(run: Path) -> None:
    steps = np.diff(row_times_s(rows_of(run)))
    assert steps.mean() == pytest.approx(1 / 15, abs=0.001)
    assert steps.max() <= 0.071


def test_each_row_has_three_different_pictures(run: Path) -> None:
    pictures = [cv2.imread(path) for path in rows_of(run)[10][:3]]
    assert {picture.shape for picture in pictures} == {(160, 320, 3)}
    assert len({picture.tobytes() for picture in pictures}) == 3


def test_ingest_imports_the_recording_unchanged(run: Path, tmp_path: Path) -> None:
    settings = load(Settings, {"LAPWING_DATA_DIR": str(tmp_path)})
    result = import_source(settings, run, None, 0.0, lambda **_: None)[0]
    assert (result["rows"], result["rejected"]) == (len(rows_of(run)), 0)


def test_equal_settings_give_byte_identical_recordings(run: Path, tmp_path: Path) -> None:
    record_rows(tmp_path / "run", DemonstrationConfig(mph=(20.0, 20.0)))
    names = sorted(path.name for path in (run / "IMG").iterdir())
    assert names == sorted(path.name for path in (tmp_path / "run" / "IMG").iterdir())
    for name in names[::7]:
        assert (run / "IMG" / name).read_bytes() == (tmp_path / "run" / "IMG" / name).read_bytes()
    assert [row[3:] for row in rows_of(run)] == [row[3:] for row in rows_of(tmp_path / "run")]


def record_randomized(folder: Path, seed: int) -> dict[str, bytes]:
    """Return the files of a short randomised recording by their names, without the log."""
    record_demonstration(
        straight(12.0),
        Appearance(seed=seed, randomize=True),
        DemonstrationConfig(mph=(20.0, 20.0)),
        folder,
        find_locale("en-US"),
    )
    files = [path for path in folder.rglob("*.*") if path.suffix in (".jpg", ".json")]
    return {path.name: path.read_bytes() for path in files}


def test_a_randomized_recording_says_what_was_drawn_and_can_be_made_again(tmp_path: Path) -> None:
    first, again, other = (
        record_randomized(tmp_path / name, seed) for name, seed in (("a", 5), ("b", 5), ("c", 6))
    )
    assert first == again
    assert not first.keys() & {name for name in other if name.endswith(".jpg")}
    drawn = json.loads(first["scene.json"])
    assert (drawn["track"], drawn["seed"]) == ("straight", 5)
    assert 9.0 <= drawn["camera"]["pitch_down_deg"] <= 10.0
    assert drawn["surfaces"]["road"] != json.loads(other["scene.json"])["surfaces"]["road"]


def test_ingest_takes_a_randomized_recording(tmp_path: Path) -> None:
    record_randomized(tmp_path / "run", 5)
    settings = load(Settings, {"LAPWING_DATA_DIR": str(tmp_path)})
    result = import_source(settings, tmp_path / "run", None, 0.0, lambda **_: None)[0]
    assert (result["rows"], result["rejected"]) == (len(rows_of(tmp_path / "run")), 0)


def test_a_recording_that_is_not_randomized_has_no_such_file(run: Path) -> None:
    assert sorted(path.name for path in run.iterdir()) == ["IMG", "driving_log.csv"]


def test_only_the_drive_back_from_the_edge_is_recorded(tmp_path: Path) -> None:
    calm = DrivingStyle(weave_m=0.0, tremor=0.0)
    rows = record_rows(
        tmp_path / "run", DemonstrationConfig(mph=(15.0, 15.0), recoveries=2, style=calm, seed=3)
    )
    gaps = np.flatnonzero(np.diff(row_times_s(rows)) > PAUSE_S)
    assert len(gaps) == 2
    steering = np.array([float(row[3]) for row in rows])
    assert np.abs(steering[: gaps[0]]).max() < 1e-3
    # The car steers back at once, and no row shows how it came to the edge.
    for gap in gaps:
        assert np.abs(steering[gap + 1 : gap + 12]).max() > 0.03


def test_the_speed_is_drawn_from_its_range(tmp_path: Path) -> None:
    rows = record_rows(tmp_path / "run", DemonstrationConfig(mph=(8.0, 12.0), seed=2))
    assert 8.0 < max(float(row[6]) for row in rows) < 12.5


def test_the_command_records_and_reports_the_rows(tmp_path: Path) -> None:
    points = tmp_path / "mine.csv"
    points.write_text("x,y\n0,0\n30,0\n60,5\n70,8\n")
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "simulator",
            "record",
            "--track",
            str(points),
            "--laps",
            "1",
            "--mph",
            "25",
            "--out",
            str(tmp_path / "run"),
            "--locale",
            "de-DE",
            "--json",
        ],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert document["rows"] == len(rows_of(tmp_path / "run"))
    assert len(rows_of(tmp_path / "run")[9]) > 7  # The numbers have decimal commas.


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--track", "moon"], "there is no such track: got moon"),
        (["--light", "noon"], "there is no such light: got noon"),
        (["--mph", "fast"], "this is not a speed: got fast"),
        (["--mph", "10-99"], "this is not a speed: got 10-99"),
        (["--locale", "xx"], "there is no such locale: got xx"),
    ],
)
def test_impossible_options_are_reported_in_one_line(
    tmp_path: Path, words: list[str], message: str
) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "simulator", "record", "--out", str(tmp_path / "run"), *words],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode, "Traceback" in done.stderr) == (1, False)
    assert done.stderr.startswith(f"simulator: {message}")
    assert not (tmp_path / "run").exists()
