from pathlib import Path

import pytest

from contract.errors import RecordingError
from simulator.numbers import locale
from simulator.recorder import Recorder

JPEGS = {"center": b"c", "left": b"l", "right": b"r"}


def rows(folder: Path) -> list[str]:
    return (folder / "driving_log.csv").read_bytes().decode().split("\n")


def test_a_row_is_udacitys_to_the_byte(tmp_path: Path) -> None:
    with Recorder(tmp_path / "run", locale("en-US")) as recorder:
        recorder.add(61.0667, JPEGS, -0.25, 1.0, 15.123456789)
    images = tmp_path / "run" / "IMG"
    stamp = "2026_01_01_12_01_01_066"
    paths = ",".join(f"{images}/{side}_{stamp}.jpg" for side in ("center", "left", "right"))
    assert rows(tmp_path / "run") == [f"{paths},-0.25,1,0,15.12346", ""]
    assert (images / f"left_{stamp}.jpg").read_bytes() == b"l"


def test_small_numbers_are_written_as_net_writes_them(tmp_path: Path) -> None:
    with Recorder(tmp_path, locale("en-US")) as recorder:
        recorder.add(0.0, JPEGS, -0.0, -0.5, 1.583494e-05)
    assert rows(tmp_path)[0].endswith(",0,0,0.5,1.583494E-05")


def test_a_german_machine_writes_commas(tmp_path: Path) -> None:
    with Recorder(tmp_path, locale("de-DE")) as recorder:
        recorder.add(0.0, JPEGS, 0.5, 0.25, 9.5)
    assert rows(tmp_path)[0].endswith(",0,5,0,25,0,9,5")


def test_a_row_is_in_the_log_as_soon_as_it_is_added(tmp_path: Path) -> None:
    with Recorder(tmp_path, locale("en-US")) as recorder:
        recorder.add(0.0, JPEGS, 0.0, 0.0, 0.0)
        assert len(rows(tmp_path)) == 2


def test_a_recording_is_never_written_over(tmp_path: Path) -> None:
    (tmp_path / "driving_log.csv").write_text("mine")
    with pytest.raises(RecordingError, match=r"something already.*driving_log\.csv.*--out"):
        Recorder(tmp_path, locale("en-US"))
    assert (tmp_path / "driving_log.csv").read_text() == "mine"


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(RecordingError, match="cannot be written"):
        Recorder(tmp_path / "file" / "run", locale("en-US"))
