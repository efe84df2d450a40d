from pathlib import Path

import av
import numpy as np
import pytest

from contract.errors import FrameError, RecordingError, SettingError
from simulator.viz.episode_video import Film

GREY = np.full((160, 320, 3), 128, np.uint8)


def decoded(path: Path) -> list[np.ndarray]:
    with av.open(str(path)) as file:
        return [frame.to_ndarray(format="rgb24") for frame in file.decode(video=0)]


def add(film: Film, count: int, note: str = "") -> None:
    for index in range(count):
        film.add(GREY, 0.3, 0.5, 12.0, -0.4, index / 15, note if index == 0 else "")


def test_a_film_is_h264_of_the_right_size_rate_and_length(tmp_path: Path) -> None:
    path = tmp_path / "drive.mp4"
    with Film(path, frame_rate=10) as film:
        add(film, 25)
    with av.open(str(path)) as file:
        video = file.streams.video[0]
        assert video.codec_context.name == "h264"
        assert video.codec_context.pix_fmt == "yuv420p"
        assert (video.width, video.height) == (960, 592)
        assert video.average_rate == 10
        assert sum(1 for _ in file.decode(video=0)) == 25


def test_a_browser_can_begin_before_it_has_all(tmp_path: Path) -> None:
    path = tmp_path / "drive.mp4"
    with Film(path) as film:
        add(film, 3)
    content = path.read_bytes()
    assert content.index(b"moov") < content.index(b"mdat")


def test_the_picture_is_what_the_camera_saw(tmp_path: Path) -> None:
    half = np.zeros((160, 320, 3), np.uint8)
    half[:80, :160] = (200, 40, 40)
    half[:80, 160:] = (40, 40, 200)
    path = tmp_path / "drive.mp4"
    with Film(path) as film:
        for _ in range(5):
            film.add(half, 0.0, 0.0, 0.0, 0.0, 0.0)
    picture = decoded(path)[-1].astype(int)
    assert np.abs(picture[60:100, 100:300] - (200, 40, 40)).max() < 12
    assert np.abs(picture[60:100, 600:900] - (40, 40, 200)).max() < 12


def test_a_note_is_red_for_two_seconds(tmp_path: Path) -> None:
    path = tmp_path / "drive.mp4"
    with Film(path, frame_rate=5) as film:
        add(film, 3)
        add(film, 14, note="Left the road")
    red = [
        bool((frame[5:35, 20:60].mean(axis=(0, 1)) @ (1, -1, -1)) > 50)
        for frame in (each.astype(int) for each in decoded(path))
    ]
    assert red == [False] * 3 + [True] * 10 + [False] * 4


def test_a_film_appears_when_it_is_done(tmp_path: Path) -> None:
    path = tmp_path / "drive.mp4"
    with Film(path) as film:
        add(film, 2)
        assert not path.exists()
    assert [each.name for each in tmp_path.iterdir()] == ["drive.mp4"]


def test_a_drive_that_fails_leaves_nothing(tmp_path: Path) -> None:
    def fail(film: Film) -> None:
        add(film, 2)
        raise RuntimeError("off the cliff")

    with pytest.raises(RuntimeError, match="cliff"), Film(tmp_path / "drive.mp4") as film:
        fail(film)
    assert list(tmp_path.iterdir()) == []


def test_a_drive_that_fails_leaves_the_film_before_it(tmp_path: Path) -> None:
    path = tmp_path / "drive.mp4"
    path.write_bytes(b"the last drive")
    with pytest.raises(RuntimeError), Film(path):
        raise RuntimeError
    assert path.read_bytes() == b"the last drive"


def test_what_is_no_frame_is_refused(tmp_path: Path) -> None:
    with (
        pytest.raises(FrameError, match=r"got uint8 \(160, 320\)"),
        Film(tmp_path / "drive.mp4") as film,
    ):
        film.add(GREY[:, :, 0], 0.0, 0.0, 0.0, 0.0, 0.0)
    assert list(tmp_path.iterdir()) == []


def test_a_film_of_nothing_is_an_error(tmp_path: Path) -> None:
    with (
        pytest.raises(RecordingError, match="no pictures"),
        Film(tmp_path / "drive.mp4"),
    ):
        pass
    assert list(tmp_path.iterdir()) == []


def test_a_film_is_an_mp4(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match=r"a film is an \.mp4"):
        Film(tmp_path / "drive.avi")
