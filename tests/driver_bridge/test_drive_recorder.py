import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from support.data import samples

from contract.recordings.driving_log import read
from contract.settings import load
from driver_bridge.drive_recorder import MOST_QUEUED, Outcome, Recorder, Row
from ingest.job import import_source
from ingest.settings import Settings

NOON = datetime(2026, 1, 2, 12, 0, 0, 123456, tzinfo=UTC)
JPEG = samples.jpeg()


def row(steering: float = 0.25, throttle: float = 0.5, speed_mph: float = 9.0) -> Row:
    return Row(JPEG, steering, throttle, speed_mph)


def written(recorder: Recorder) -> None:
    while recorder.write():
        pass


def test_a_row_is_written_as_the_simulators_recorder_does(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "new" / "run", now=lambda: NOON)
    drive = recorder.drive()
    drive.put(row(0.25, 0.5, 9.0))
    drive.put(row(-1.0, -0.1, 30.0))
    written(recorder)
    folder = tmp_path / "new" / "run" / "2026_01_02_12_00_00_123"
    names = sorted(path.name for path in (folder / "IMG").iterdir())
    assert names == [f"center_2026_01_02_12_00_00_{number}.jpg" for number in (123, 124)]
    assert (folder / "IMG" / names[0]).read_bytes() == JPEG
    assert (folder / "driving_log.csv").read_text().splitlines() == [
        f"{folder}/IMG/{names[0]},,,0.25,0.5,0,9",
        f"{folder}/IMG/{names[1]},,,-1,0,0.1,30",
    ]
    assert (recorder.written, recorder.dropped) == (2, 0)


def test_each_drive_has_a_folder_of_its_own_and_one_without_frames_none(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path, now=lambda: NOON)
    one, other, empty = (recorder.drive() for _ in range(3))
    for drive in (one, other, one):
        drive.put(row())
    empty.end()
    one.end()
    written(recorder)
    counts = sorted(len(list((each / "IMG").iterdir())) for each in tmp_path.iterdir())
    assert counts == [1, 2]


def test_ingest_takes_it(tmp_path: Path) -> None:
    now = iter(NOON + timedelta(milliseconds=67 * number) for number in range(100))
    recorder = Recorder(tmp_path / "drives", now=lambda: next(now))
    drive = recorder.drive()
    for number in range(40):
        drive.put(row(round(number / 100, 2), -0.5 if number == 7 else 0.5, 15.25))
    written(recorder)
    (folder,) = (tmp_path / "drives").iterdir()
    log = read((folder / "driving_log.csv").read_bytes())
    assert log.rejections == []
    assert log.rows[7].steering == 0.07
    assert (log.rows[7].throttle, log.rows[7].brake) == (0, 0.5)
    assert log.rows[9].time_s - log.rows[8].time_s == pytest.approx(0.067, abs=0.002)
    settings = load(Settings, {"LAPWING_DATA_DIR": str(tmp_path / "data")})
    (result,) = import_source(settings, folder, None, 0.0, lambda **_: None)
    assert (result["rows"], result["rejected"], result["frames"]) == (40, 0, 40)


def test_what_is_no_jpeg_is_not_kept(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path)
    recorder.drive().put(Row(b"#!/bin/sh", 0.0, 0.0, 0.0))
    written(recorder)
    assert list(tmp_path.iterdir()) == []


def test_a_slow_disk_costs_frames_and_not_the_drive(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, slack: float
) -> None:
    recorder = Recorder(tmp_path)
    drive = recorder.drive()
    began = time.monotonic()
    for _ in range(MOST_QUEUED + 100):
        drive.put(row())
    assert time.monotonic() - began < slack * 0.2
    assert recorder.dropped == 100
    assert [record.message for record in caplog.records] == [
        "frames are not kept: the disk is too slow for them. The drive goes on"
    ]
    written(recorder)
    assert recorder.written == MOST_QUEUED


def test_a_disk_that_fails_is_said_once_and_tried_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    recorder = Recorder(tmp_path / "run", now=lambda: NOON)
    drive = recorder.drive()
    folder = tmp_path / "run" / "2026_01_02_12_00_00_123"
    folder.parent.rmdir()
    folder.parent.touch()  # a file stands where the folder was
    for _ in range(100):
        drive.put(row())
    written(recorder)
    assert (recorder.written, recorder.dropped) == (0, 100)
    folder.parent.unlink()
    drive.put(row())
    written(recorder)
    assert (recorder.written, recorder.dropped) == (1, 100)
    assert len(read((folder / "driving_log.csv").read_bytes()).rows) == 1
    said = [record.message for record in caplog.records]
    assert len(said) == 2
    assert "Not a directory" in said[0]
    assert said[1] == "frames are kept again; 100 were lost"


def test_half_a_line_of_a_full_disk_spoils_no_other(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path, now=lambda: NOON)
    drive = recorder.drive()
    drive.put(row())
    written(recorder)
    (folder,) = tmp_path.iterdir()
    with (folder / "driving_log.csv").open("a") as file:
        file.write("/a/IMG/center_2026")  # what a full disk leaves
    recorder._trouble = "No space left on device"
    drive.put(row(0.75))
    written(recorder)
    log = read((folder / "driving_log.csv").read_bytes())
    assert [each.steering for each in log.rows] == [0.25, 0.75]


def test_the_disk_is_written_where_offload_says(tmp_path: Path) -> None:
    threads = []

    def offload(write: Callable[[], Outcome]) -> Outcome:
        outcome: list[Outcome] = []

        def run() -> None:
            threads.append(threading.current_thread())
            outcome.append(write())

        thread = threading.Thread(target=run)
        thread.start()
        thread.join()
        return outcome[0]

    recorder = Recorder(tmp_path, offload)
    recorder.drive().put(row())
    written(recorder)
    assert threads
    assert threading.current_thread() not in threads


def test_a_folder_that_cannot_be_made_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="Not a directory"):
        Recorder(tmp_path / "file" / "run")
