import re
from pathlib import Path

import pytest

from contract.errors import RecordingError
from contract.files import atomic_files
from simulator.recording.udacity_writer import UdacityWriter
from simulator.unity.number_format import find_locale

JPEGS = {"center": b"c", "left": b"l", "right": b"r"}


def rows(folder: Path) -> list[str]:
    return (folder / "driving_log.csv").read_bytes().decode().split("\n")


def test_a_row_has_the_bytes_of_udacitys_recorder(tmp_path: Path) -> None:
    with UdacityWriter(tmp_path / "run", find_locale("en-US"), "a drive") as writer:
        writer.add(61.0667, JPEGS, -0.25, 1.0, 15.123456789)
    images = tmp_path / "run" / "IMG"
    stamp = next(images.iterdir()).stem.split("_", 1)[1]
    assert re.fullmatch(r"20[23]\d_\d\d_\d\d_\d\d_\d\d_01_066", stamp)
    paths = ",".join(f"{images}/{side}_{stamp}.jpg" for side in ("center", "left", "right"))
    assert rows(tmp_path / "run") == [f"{paths},-0.25,1,0,15.12346", ""]
    assert (images / f"left_{stamp}.jpg").read_bytes() == b"l"


def test_small_numbers_are_written_as_net_writes_them(tmp_path: Path) -> None:
    with UdacityWriter(tmp_path, find_locale("en-US"), "a drive") as writer:
        writer.add(0.0, JPEGS, -0.0, -0.5, 1.583494e-05)
    assert rows(tmp_path)[0].endswith(",0,0,0.5,1.583494E-05")


def test_a_german_machine_writes_commas(tmp_path: Path) -> None:
    with UdacityWriter(tmp_path, find_locale("de-DE"), "a drive") as writer:
        writer.add(0.0, JPEGS, 0.5, 0.25, 9.5)
    assert rows(tmp_path)[0].endswith(",0,5,0,25,0,9,5")


def test_a_recording_appears_when_it_has_ended(tmp_path: Path) -> None:
    with UdacityWriter(tmp_path / "run", find_locale("en-US"), "a drive") as writer:
        writer.add(0.0, JPEGS, 0.0, 0.0, 0.0)
        assert not (tmp_path / "run").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_ctrl_c_keeps_the_rows_until_then(tmp_path: Path) -> None:
    def record_until_ctrl_c() -> None:
        with UdacityWriter(tmp_path / "run", find_locale("en-US"), "a drive") as writer:
            writer.add(0.0, JPEGS, 0.0, 0.0, 0.0)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        record_until_ctrl_c()
    assert len(rows(tmp_path / "run")) == 2


@pytest.mark.parametrize("count", [0, 1])
def test_a_failure_leaves_nothing(tmp_path: Path, count: int) -> None:
    def record_until_error() -> None:
        with UdacityWriter(tmp_path / "run", find_locale("en-US"), "a drive") as writer:
            for _ in range(count):
                writer.add(0.0, JPEGS, 0.0, 0.0, 0.0)
            raise OSError("disk full")

    with pytest.raises(OSError, match="disk"):
        record_until_error()
    assert list(tmp_path.iterdir()) == []


def test_the_rest_of_a_killed_recording_is_removed(tmp_path: Path) -> None:
    leftover = atomic_files.temporary_path(tmp_path / "run")
    leftover.mkdir()
    with UdacityWriter(tmp_path / "run", find_locale("en-US"), "a drive") as writer:
        writer.add(0.0, JPEGS, 0.0, 0.0, 0.0)
    assert not leftover.exists()


def test_a_recording_is_never_written_over(tmp_path: Path) -> None:
    (tmp_path / "driving_log.csv").write_text("mine")
    with pytest.raises(RecordingError, match=r"not empty.*--out"):
        UdacityWriter(tmp_path, find_locale("en-US"), "a drive")
    assert (tmp_path / "driving_log.csv").read_text() == "mine"


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(RecordingError, match="cannot be written"):
        UdacityWriter(tmp_path / "file" / "run", find_locale("en-US"), "a drive")


def test_another_drive_has_another_time(tmp_path: Path) -> None:
    names = []
    for folder, description in (("a", "lake 1"), ("b", "lake 1"), ("c", "lake 2")):
        with UdacityWriter(tmp_path / folder, find_locale("en-US"), description) as writer:
            writer.add(0.0, JPEGS, 0.0, 0.0, 0.0)
        names.append(sorted(path.name for path in (tmp_path / folder / "IMG").iterdir()))
    assert names[0] == names[1] != names[2]
