from pathlib import Path

import pytest
from support.data import samples

from contract.errors import RecordingError
from simulator.recording.frame_files import list_frames


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return samples.recording(tmp_path_factory.mktemp("frames") / "run", rows=5)


def test_frames_are_the_centre_cameras_in_order(run: Path) -> None:
    names = [path.name for path in list_frames(run, None)]
    assert names == sorted(names)
    assert len(names) == 5
    assert all(name.startswith("center_") for name in names)
    assert len(list_frames(run, 2)) == 2


def test_a_folder_of_pictures_is_accepted(tmp_path: Path) -> None:
    (tmp_path / "b.jpg").touch()
    (tmp_path / "a.jpg").touch()
    assert [path.name for path in list_frames(tmp_path, None)] == ["a.jpg", "b.jpg"]


def test_no_frames_are_an_error(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match="no frames in this folder"):
        list_frames(tmp_path, None)
