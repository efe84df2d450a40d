from pathlib import Path

import pytest

from contract.recordings import archive, driving_log
from contract.recordings.driving_log import Log
from contract.recordings.image_paths import match_images


def read(folder: Path, rows: list[list[str]], files: list[str]) -> tuple[Log, dict[str, Path]]:
    """Write files, each with its own path as content, and a log of the rows; read them."""
    for file in files:
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).write_text(file)
    lines = [",".join([*row, "0.5", "0", "0", "9.5"]) for row in rows]
    (folder / "driving_log.csv").write_text("".join(f"{line}\n" for line in lines))
    with archive.open_recordings(folder, folder / "scratch") as (recording,):
        log = match_images(driving_log.read(recording.read_log()), recording.images)
        return log, recording.images


def shown(log: Log, images: dict[str, Path]) -> dict[int, list[str]]:
    """Return by line what the files of its images contain."""
    rows = driving_log.with_images(log, images)
    return {row.line: [images[key].read_text() for key in row.images] for row in rows}


def test_one_name_in_two_folders_is_two_images(tmp_path: Path) -> None:
    files = ["day1/IMG/c_0000.jpg", "day2/IMG/c_0000.jpg"]
    log, images = read(tmp_path, [[files[0]], ["C:\\x\\day2\\IMG\\c_0000.jpg"]], files)
    assert shown(log, images) == {1: [files[0]], 2: [files[1]]}


def test_two_images_of_which_one_file_is_there_are_refused(tmp_path: Path) -> None:
    rows = [["day1/IMG/c_0000.jpg"], ["day2/IMG/c_0000.jpg"], ["day2/IMG/c_0001.jpg"]]
    log, images = read(tmp_path, rows, ["IMG/c_0000.jpg", "IMG/c_0001.jpg"])
    assert shown(log, images) == {3: ["IMG/c_0001.jpg"]}
    assert [(one.line, one.field, one.got) for one in log.rejections] == [
        (1, "center", "day1/IMG/c_0000.jpg and day2/IMG/c_0000.jpg"),
        (2, "center", "day1/IMG/c_0000.jpg and day2/IMG/c_0000.jpg"),
    ]
    assert "keep each in the folder that the log names" in log.rejections[0].reason


def test_the_image_that_lies_as_the_log_says_is_certain(tmp_path: Path) -> None:
    rows = [["IMG/c_0000.jpg"], ["day2/IMG/c_0000.jpg"]]
    log, images = read(tmp_path, rows, ["IMG/c_0000.jpg"])
    assert shown(log, images) == {1: ["IMG/c_0000.jpg"]}
    assert [one.line for one in log.rejections] == [2]


def test_one_name_for_the_three_cameras_in_three_folders(tmp_path: Path) -> None:
    row = [f"IMG/{camera}/7.jpg" for camera in ("center", "left", "right")]
    log, images = read(tmp_path, [row], row)
    assert shown(log, images) == {1: row}


@pytest.mark.parametrize("written", ["IMG/lap1/c.png", "lap1\\c.png", "/a/b/IMG/lap1/c.png"])
def test_images_may_lie_below_img_as_the_log_says(tmp_path: Path, written: str) -> None:
    log, images = read(tmp_path, [[written]], ["IMG/lap1/c.png", "IMG/lap2/c.png"])
    assert shown(log, images) == {1: ["IMG/lap1/c.png"]}


def test_an_image_of_another_recording_does_not_replace_a_missing_one(tmp_path: Path) -> None:
    log, images = read(tmp_path, [["IMG/c.jpg"], ["IMG/d.jpg"]], ["IMG/d.jpg", "old/IMG/c.jpg"])
    assert shown(log, images) == {2: ["IMG/d.jpg"]}


def test_the_folder_in_which_the_recorder_wrote_does_not_matter(tmp_path: Path) -> None:
    log, images = read(
        tmp_path, [["C:\\a\\b\\IMG\\c.jpg"], ["C:\\a\\b\\IMG\\d.jpg"]], ["IMG/c.jpg", "IMG/d.jpg"]
    )
    assert list(images) == ["c.jpg", "d.jpg"] or list(images) == ["d.jpg", "c.jpg"]
    assert shown(log, images) == {1: ["IMG/c.jpg"], 2: ["IMG/d.jpg"]}
