import shutil
from pathlib import Path

import numpy as np
import pytest
from support.data import samples

from contract.errors import RecordingError
from evaluator.offline import logged_drive


def relog(folder: Path, change) -> Path:
    log = folder / "driving_log.csv"
    log.write_text(change(log.read_text()))
    return folder


def test_rows_are_read_as_recorded(tmp_path: Path) -> None:
    drive = logged_drive.read_folder(samples.recording(tmp_path / "run", rows=20))
    assert (drive.name, drive.camera_count, drive.left_out, drive.nominal) == ("run", 3, 0, False)
    assert drive.steering == pytest.approx([samples.steering_at(row) for row in range(20)])
    assert drive.speed_mps[:3] == pytest.approx(np.array([15.25, 16.25, 17.25]) * 0.44704)
    assert np.diff(drive.time_s) == pytest.approx(samples.ROW_MS / 1000)
    assert [path.name.split("_")[0] for path in drive.image_paths[7]] == ["center", "left", "right"]
    assert drive.duration_s().sum() == pytest.approx(19 * samples.ROW_MS / 1000)


def test_a_decimal_comma_gives_the_same_rows(tmp_path: Path) -> None:
    def with_digits(text: str) -> str:
        return text.replace(".25\n", ".253917\n")

    plain = logged_drive.read_folder(
        relog(samples.recording(tmp_path / "plain", rows=20), with_digits)
    )

    def german(text: str) -> str:
        lines = [line.split(",") for line in with_digits(text).splitlines()]
        return "\n".join(
            ",".join([*line[:3], *(f"{float(value):.8g}".replace(".", ",") for value in line[3:])])
            for line in lines
        )

    comma = logged_drive.read_folder(relog(samples.recording(tmp_path / "comma", rows=20), german))
    # A line that can be read in more than one way, such as "0,0,5,0,15,253917", is left out.
    assert 12 <= len(comma.steering) == 20 - comma.left_out
    known = dict(zip((paths[0].name for paths in plain.image_paths), plain.steering, strict=True))
    comma_steering = {
        row[0].name: steering
        for row, steering in zip(comma.image_paths, comma.steering, strict=True)
    }
    assert comma_steering == pytest.approx({name: known[name] for name in comma_steering}, abs=1e-5)


def test_a_header_and_spaces_and_windows_paths_are_accepted(tmp_path: Path) -> None:
    folder = relog(
        samples.recording(tmp_path / "run", rows=5),
        lambda text: (
            "center,left,right,steering,throttle,brake,speed\n"
            + text.replace("/home/somebody/run/IMG/", "C:\\Users\\x\\IMG\\").replace(",", ", ")
        ),
    )
    assert len(logged_drive.read_folder(folder).steering) == 5


def test_without_side_images_there_is_one_camera(tmp_path: Path) -> None:
    folder = samples.recording(tmp_path / "run", rows=5)
    for side in ("left", "right"):
        for path in folder.glob(f"IMG/{side}_*.jpg"):
            path.unlink()
    drive = logged_drive.read_folder(folder)
    assert (drive.camera_count, len(drive.steering), drive.left_out) == (1, 5, 0)


def test_a_row_without_its_image_is_left_out(tmp_path: Path) -> None:
    folder = samples.recording(tmp_path / "run", rows=5)
    next(folder.glob("IMG/left_*.jpg")).unlink()
    drive = logged_drive.read_folder(folder)
    assert (len(drive.steering), drive.left_out) == (4, 1)


def test_a_pause_separates_two_segments(tmp_path: Path) -> None:
    folder = samples.recording(tmp_path / "run", rows=30)
    relog(folder, lambda text: "\n".join(text.splitlines()[:10] + text.splitlines()[20:]))
    drive = logged_drive.read_folder(folder)
    assert drive.segment.tolist() == [0] * 10 + [1] * 10
    assert drive.duration_s()[9] == 0
    assert drive.duration_s().sum() == pytest.approx(18 * samples.ROW_MS / 1000)


def test_standing_does_not_count_as_driving(tmp_path: Path) -> None:
    folder = samples.recording(tmp_path / "run", rows=10)
    relog(folder, lambda text: text.replace("15.25", "0.001"))
    drive = logged_drive.read_folder(folder)
    assert drive.moving_s().sum() == pytest.approx(6 * samples.ROW_MS / 1000)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the driving log is empty"),
        ("no,images,here,0,0,0,1\n", "fewer than two rows"),
        ("a.jpg,0,0,0,1\n", "fewer than two rows"),
    ],
)
def test_a_recording_without_usable_rows_is_an_error(
    tmp_path: Path, text: str, message: str
) -> None:
    (tmp_path / "driving_log.csv").write_text(text)
    with pytest.raises(RecordingError, match=message):
        logged_drive.read_folder(tmp_path)


def test_a_missing_log_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match=r"no driving_log\.csv"):
        logged_drive.read_folder(tmp_path)


def test_an_archive_is_unpacked_while_it_is_open(tmp_path: Path) -> None:
    folder = samples.recording(tmp_path / "run", rows=5)
    archive = shutil.make_archive(str(tmp_path / "packed"), "zip", folder)
    with logged_drive.open_recordings(Path(archive)) as (source,):
        drive = logged_drive.read_recording(source)
        assert (drive.name, len(drive.steering)) == ("packed", 5)
        assert (
            drive.image_paths[4][2].read_bytes()
            == next(folder.glob(f"IMG/{drive.image_paths[4][2].name}")).read_bytes()
        )
    assert not drive.image_paths[4][2].exists()
    with pytest.raises(RecordingError, match="the path must be a folder with one recording"):
        logged_drive.read_folder(Path(archive))
