from datetime import UTC, datetime
from pathlib import Path

import pytest

from driver_bridge.recorder import Recorder

NOON = datetime(2026, 1, 2, 12, 0, 0, 123456, tzinfo=UTC)


def test_a_frame_is_named_as_drive_py_names_it(tmp_path: Path) -> None:
    path = Recorder(tmp_path / "new" / "run", lambda: NOON).keep(b"jpeg")
    assert path.name == "2026_01_02_12_00_00_123.jpg"
    assert path.read_bytes() == b"jpeg"


def test_two_frames_of_one_moment_get_two_names(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path, lambda: NOON)
    assert recorder.keep(b"1") != recorder.keep(b"2")
    assert len(list(tmp_path.iterdir())) == 2


def test_a_folder_that_cannot_be_made_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="Not a directory"):
        Recorder(tmp_path / "file" / "run")
