from pathlib import Path

import av
import numpy as np
import pytest

from contract.errors import FrameError, RecordingError, SettingError
from simulator.viz.episode_video import MAX_WAITING, EpisodeVideo

GREY = np.full((160, 320, 3), 128, np.uint8)


def decoded(path: Path) -> list[np.ndarray]:
    with av.open(str(path)) as file:
        return [frame.to_ndarray(format="rgb24") for frame in file.decode(video=0)]


def add(video: EpisodeVideo, count: int, note: str = "") -> None:
    for index in range(count):
        video.add(GREY, 0.3, 0.5, 12.0, -0.4, index / 15, note if index == 0 else "")


def test_a_video_is_h264_with_the_right_size_rate_and_length(tmp_path: Path) -> None:
    path = tmp_path / "drive.mp4"
    with EpisodeVideo(path, frame_rate=10) as video:
        add(video, 25)
    with av.open(str(path)) as file:
        stream = file.streams.video[0]
        assert stream.codec_context.name == "h264"
        assert stream.codec_context.pix_fmt == "yuv420p"
        assert (stream.width, stream.height) == (960, 592)
        assert stream.average_rate == 10
        assert sum(1 for _ in file.decode(video=0)) == 25


def test_a_browser_can_start_before_it_has_the_whole_file(tmp_path: Path) -> None:
    path = tmp_path / "drive.mp4"
    with EpisodeVideo(path) as video:
        add(video, 3)
    content = path.read_bytes()
    assert content.index(b"moov") < content.index(b"mdat")


def test_the_video_shows_the_picture_of_the_camera(tmp_path: Path) -> None:
    half = np.zeros((160, 320, 3), np.uint8)
    half[:80, :160] = (200, 40, 40)
    half[:80, 160:] = (40, 40, 200)
    path = tmp_path / "drive.mp4"
    with EpisodeVideo(path) as video:
        for _ in range(5):
            video.add(half, 0.0, 0.0, 0.0, 0.0, 0.0)
    picture = decoded(path)[-1].astype(int)
    assert np.abs(picture[60:100, 100:300] - (200, 40, 40)).max() < 12
    assert np.abs(picture[60:100, 600:900] - (40, 40, 200)).max() < 12


def test_a_note_is_red_for_two_seconds(tmp_path: Path) -> None:
    path = tmp_path / "drive.mp4"
    with EpisodeVideo(path, frame_rate=5) as video:
        add(video, 3)
        add(video, 14, note="Left the road")
    red = [
        bool((frame[5:35, 20:60].mean(axis=(0, 1)) @ (1, -1, -1)) > 50)
        for frame in (picture.astype(int) for picture in decoded(path))
    ]
    assert red == [False] * 3 + [True] * 10 + [False] * 4


def test_a_video_appears_when_it_is_finished(tmp_path: Path) -> None:
    path = tmp_path / "drive.mp4"
    with EpisodeVideo(path) as video:
        add(video, 2)
        assert not path.exists()
    assert [entry.name for entry in tmp_path.iterdir()] == ["drive.mp4"]


def test_a_failed_drive_leaves_no_file(tmp_path: Path) -> None:
    def add_until_error(video: EpisodeVideo) -> None:
        add(video, 2)
        raise RuntimeError("off the cliff")

    with pytest.raises(RuntimeError, match="cliff"), EpisodeVideo(tmp_path / "drive.mp4") as video:
        add_until_error(video)
    assert list(tmp_path.iterdir()) == []


def test_a_failed_drive_leaves_the_older_video(tmp_path: Path) -> None:
    path = tmp_path / "drive.mp4"
    path.write_bytes(b"the last drive")
    with pytest.raises(RuntimeError), EpisodeVideo(path):
        raise RuntimeError
    assert path.read_bytes() == b"the last drive"


def test_a_picture_that_is_not_a_frame_is_refused(tmp_path: Path) -> None:
    with (
        pytest.raises(FrameError, match=r"got uint8 \(160, 320\)"),
        EpisodeVideo(tmp_path / "drive.mp4") as video,
    ):
        video.add(GREY[:, :, 0], 0.0, 0.0, 0.0, 0.0, 0.0)
    assert list(tmp_path.iterdir()) == []


def test_a_picture_is_taken_as_it_is_when_it_is_added(tmp_path: Path) -> None:
    """The camera of the simulator draws into the same memory again."""
    path, memory = tmp_path / "drive.mp4", np.zeros((160, 320, 3), np.uint8)
    with EpisodeVideo(path) as video:
        for shade in range(0, 240, 6):
            memory[:] = shade
            video.add(memory, 0.0, 0.0, 0.0, 0.0, 0.0)
    shades = [picture[100:200, 20:200].mean() for picture in decoded(path)]
    np.testing.assert_allclose(shades, range(0, 240, 6), atol=4)


def test_pictures_do_not_pile_up_before_the_encoder(tmp_path: Path) -> None:
    with EpisodeVideo(tmp_path / "drive.mp4") as video:
        for _ in range(5 * MAX_WAITING):
            add(video, 1)
            assert video.waiting <= MAX_WAITING
    assert len(decoded(tmp_path / "drive.mp4")) == 5 * MAX_WAITING


def test_a_video_without_pictures_is_an_error(tmp_path: Path) -> None:
    with (
        pytest.raises(RecordingError, match="no pictures"),
        EpisodeVideo(tmp_path / "drive.mp4"),
    ):
        pass
    assert list(tmp_path.iterdir()) == []


def test_a_video_must_be_an_mp4(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match=r"must end in \.mp4"):
        EpisodeVideo(tmp_path / "drive.avi")
