import csv
import shutil
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from support.data import samples
from support.services import answering, small_disks
from support.services.driving import bridge, unity

from contract.errors import RecordingError
from contract.recordings.driving_log import read
from contract.settings import load
from driver_bridge.drive_recorder import MAX_QUEUED_ROWS, DriveRecorder, RecordedRow, WriteResult
from ingest.doctor.runner import check_recordings, read_recordings
from ingest.job import import_source
from ingest.settings import Settings
from simulator.recording.frame_files import list_frames

NOON = datetime(2026, 1, 2, 12, 0, 0, 123456, tzinfo=UTC)
JPEG = samples.jpeg()


def row(steering: float = 0.25, throttle: float = 0.5, speed_mph: float = 9.0) -> RecordedRow:
    return RecordedRow(JPEG, steering, throttle, speed_mph)


def rows(path: Path) -> list[list[str]]:
    with path.open(newline="") as file:
        return list(csv.reader(file))


def write_all(recorder: DriveRecorder) -> None:
    while recorder.write():
        pass


def test_rows_are_written_in_the_format_of_the_simulators_recorder(tmp_path: Path) -> None:
    recorder = DriveRecorder(tmp_path / "new" / "run", now=lambda: NOON)
    drive = recorder.start_drive()
    drive.put(row(0.25, 0.5, 9.0))
    drive.put(row(-1.0, -0.1, 30.0))
    write_all(recorder)
    folder = tmp_path / "new" / "run" / "2026_01_02_12_00_00_123"
    names = sorted(path.name for path in (folder / "IMG").iterdir())
    assert names == [f"center_2026_01_02_12_00_00_{number}.jpg" for number in (123, 124)]
    assert (folder / "IMG" / names[0]).read_bytes() == JPEG
    assert (folder / "driving_log.csv").read_text().splitlines() == [
        f"{folder}/IMG/{names[0]},,,0.25,0.5,0,9",
        f"{folder}/IMG/{names[1]},,,-1,0,0.1,30",
    ]
    assert (recorder.written, recorder.dropped) == (2, 0)


def test_each_drive_has_its_own_folder_and_a_drive_without_frames_has_none(tmp_path: Path) -> None:
    recorder = DriveRecorder(tmp_path, now=lambda: NOON)
    one, other, empty = (recorder.start_drive() for _ in range(3))
    for drive in (one, other, one):
        drive.put(row())
    empty.end()
    one.end()
    write_all(recorder)
    counts = sorted(len(list((folder / "IMG").iterdir())) for folder in tmp_path.iterdir())
    assert counts == [1, 2]


def test_ingest_reads_a_recorded_drive(tmp_path: Path) -> None:
    now = iter(NOON + timedelta(milliseconds=67 * number) for number in range(100))
    recorder = DriveRecorder(tmp_path / "drives", now=lambda: next(now))
    drive = recorder.start_drive()
    for number in range(40):
        drive.put(row(round(number / 100, 2), -0.5 if number == 7 else 0.5, 15.25))
    write_all(recorder)
    (folder,) = (tmp_path / "drives").iterdir()
    log = read((folder / "driving_log.csv").read_bytes())
    assert log.rejections == []
    assert log.rows[7].steering == 0.07
    assert (log.rows[7].throttle, log.rows[7].brake) == (0, 0.5)
    assert log.rows[9].time_s - log.rows[8].time_s == pytest.approx(0.067, abs=0.002)
    settings = load(Settings, {"LAPWING_DATA_DIR": str(tmp_path / "data")})
    (result,) = import_source(settings, folder, None, 0.0, lambda **_: None)
    assert (result["rows"], result["rejected"], result["frames"]) == (40, 0, 40)


def test_frames_that_the_model_did_not_steer_are_kept_apart(tmp_path: Path) -> None:
    """Nobody who reads the drive as a recording sees them, and each has its own time."""
    recorder = DriveRecorder(tmp_path / "drives", now=lambda: NOON)
    drive = recorder.start_drive()
    reason = 'stopped: "a", or so'
    for number in range(20):
        held = RecordedRow(JPEG, 0.0, -0.05, 9.0, reason)
        drive.put(held if number % 5 == 4 else row(number / 100))
    write_all(recorder)
    (folder,) = (tmp_path / "drives").iterdir()
    apart = rows(folder / "not_driven.csv")
    names = sorted(path.name for path in (folder / "NOT_DRIVEN").iterdir())
    assert [fields[1:] for fields in apart] == [["", "", "0", "0", "0.05", "9", reason]] * 4
    assert [fields[0] for fields in apart] == [f"{folder}/NOT_DRIVEN/{name}" for name in names]
    assert not {path.name for path in (folder / "IMG").iterdir()} & set(names)
    assert [path.name[:6] for path in list_frames(folder, None)] == ["center"] * 16
    settings = load(Settings, {"LAPWING_DATA_DIR": str(tmp_path / "data")})
    (result,) = import_source(settings, folder, None, 0.0, lambda **_: None)
    assert (result["rows"], result["rejected"], result["frames"]) == (16, 0, 16)
    findings = check_recordings(read_recordings([folder], tmp_path / "scratch"))
    shutil.rmtree(folder / "NOT_DRIVEN")
    (folder / "not_driven.csv").unlink()
    assert findings == check_recordings(read_recordings([folder], tmp_path / "scratch"))


def test_a_drive_that_the_model_never_steered_is_no_recording(tmp_path: Path) -> None:
    recorder = DriveRecorder(tmp_path / "drives", now=lambda: NOON)
    recorder.start_drive().put(RecordedRow(JPEG, 0.0, 0.0, 0.0, "stopped: no inference"))
    write_all(recorder)
    (folder,) = (tmp_path / "drives").iterdir()
    settings = load(Settings, {"LAPWING_DATA_DIR": str(tmp_path / "data")})
    with pytest.raises(RecordingError, match=r"there is no driving_log\.csv"):
        import_source(settings, folder, None, 0.0, lambda **_: None)


def test_the_bridge_records_as_driving_only_what_the_model_steered(tmp_path: Path) -> None:
    with (
        answering.inference() as inference,
        bridge(inference.url, "--record", str(tmp_path)) as port,
    ):
        inference.body = b'{"steering": 0.25}'
        with unity(port) as client:
            for status in (503, 200, 200, 503):
                inference.status = status
                client.send_telemetry(0.0, 0.0, 9.0, JPEG)
                assert client.command() is not None
        deadline = time.monotonic() + 60
        while sum(len(rows(path)) for path in tmp_path.glob("*/*.csv")) < 4:
            assert time.monotonic() < deadline
            time.sleep(0.02)
    (folder,) = tmp_path.iterdir()
    assert [fields[3] for fields in rows(folder / "driving_log.csv")] == ["0.25", "0.25"]
    reasons = [fields[7] for fields in rows(folder / "not_driven.csv")]
    assert [reason.split(":")[0] for reason in reasons] == ["stopped", "held"]
    assert all("503" in reason or "inference" in reason for reason in reasons)


def test_an_image_that_is_no_jpeg_is_not_recorded(tmp_path: Path) -> None:
    recorder = DriveRecorder(tmp_path)
    recorder.start_drive().put(RecordedRow(b"#!/bin/sh", 0.0, 0.0, 0.0))
    write_all(recorder)
    assert list(tmp_path.iterdir()) == []


def test_a_slow_disk_loses_frames_and_does_not_slow_the_drive(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, slack: float
) -> None:
    recorder = DriveRecorder(tmp_path)
    drive = recorder.start_drive()
    began = time.monotonic()
    for _ in range(MAX_QUEUED_ROWS + 100):
        drive.put(row())
    assert time.monotonic() - began < slack * 0.2
    assert recorder.dropped == 100
    assert [record.message for record in caplog.records] == [
        "frames are not recorded: the disk is too slow for them. The drive goes on"
    ]
    write_all(recorder)
    assert recorder.written == MAX_QUEUED_ROWS


def test_a_disk_that_fails_is_logged_once_and_tried_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    recorder = DriveRecorder(tmp_path / "run", now=lambda: NOON)
    drive = recorder.start_drive()
    folder = tmp_path / "run" / "2026_01_02_12_00_00_123"
    folder.parent.rmdir()
    folder.parent.touch()  # a file takes the place of the folder
    for _ in range(100):
        drive.put(row())
    write_all(recorder)
    assert (recorder.written, recorder.dropped) == (0, 100)
    folder.parent.unlink()
    drive.put(row())
    write_all(recorder)
    assert (recorder.written, recorder.dropped) == (1, 100)
    assert len(read((folder / "driving_log.csv").read_bytes()).rows) == 1
    messages = [record.message for record in caplog.records]
    assert len(messages) == 2
    assert "Not a directory" in messages[0]
    assert messages[1] == "frames are recorded again; 100 were lost"


def test_half_a_line_from_a_full_disk_does_not_damage_other_lines(tmp_path: Path) -> None:
    recorder = DriveRecorder(tmp_path, now=lambda: NOON)
    drive = recorder.start_drive()
    drive.put(row())
    write_all(recorder)
    (folder,) = tmp_path.iterdir()
    with (folder / "driving_log.csv").open("a") as file:
        file.write("/a/IMG/center_2026")  # a full disk leaves such a line
    recorder._failure = "No space left on device"
    drive.put(row(0.75))
    write_all(recorder)
    log = read((folder / "driving_log.csv").read_bytes())
    assert [row.steering for row in log.rows] == [0.25, 0.75]


RECORDING = """
import sys
from pathlib import Path
from driver_bridge.drive_recorder import DriveRecorder, RecordedRow
from support.data import samples
from support.services import small_disks
disk = Path(sys.argv[1])
recorder = DriveRecorder(disk / "drives")
drive, row = recorder.start_drive(), RecordedRow(samples.jpeg(), 0.25, 0.5, 9.0)
for full in (False, True, False):
    ballast = small_disks.fill(disk, 0) if full else None
    for _ in range(10):
        drive.put(row)
    while recorder.write():
        pass
    if ballast is not None:
        ballast.unlink()
print(recorder.written, recorder.dropped)
for path in sorted(disk.rglob("*.jpg")):
    assert path.read_bytes() == row.jpeg, path
print(len(list(disk.rglob("*.jpg"))))
print(*[line.count(",") for line in next(disk.rglob("driving_log.csv")).open() if line.strip()])
"""


def test_a_full_disk_loses_its_rows_and_leaves_no_empty_images(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    done = small_disks.run_python(RECORDING, tmp_path / "disk", "1m")
    counts, images, lines = done.stdout.splitlines()
    assert counts == "20 10"
    assert images == "20"
    assert lines.split() == ["6"] * 20


def test_rows_are_written_by_offload(tmp_path: Path) -> None:
    threads = []

    def offload(write: Callable[[], WriteResult]) -> WriteResult:
        results: list[WriteResult] = []

        def run() -> None:
            threads.append(threading.current_thread())
            results.append(write())

        thread = threading.Thread(target=run)
        thread.start()
        thread.join()
        return results[0]

    recorder = DriveRecorder(tmp_path, offload)
    recorder.start_drive().put(row())
    write_all(recorder)
    assert threads
    assert threading.current_thread() not in threads


def test_a_folder_that_cannot_be_created_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="Not a directory"):
        DriveRecorder(tmp_path / "file" / "run")
