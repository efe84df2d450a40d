import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import av
import pytest
from support.data import samples

from contract.errors import RecordingError, SettingError
from simulator.recording.frame_files import list_frames
from simulator.viz.frames_to_video import encode_frames


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return samples.recording(tmp_path_factory.mktemp("video") / "run", rows=12)


def test_the_video_has_every_frame_in_order(run: Path, tmp_path: Path) -> None:
    shares: list[float] = []
    summary = encode_frames(list_frames(run, None), tmp_path / "new" / "run.mp4", 60, shares.append)
    assert (summary.pictures, summary.left_out, summary.seconds) == (12, 0, 0.2)
    assert shares[-1] == 1
    with av.open(str(summary.path)) as file:
        stream = file.streams.video[0]
        assert stream.codec_context.name == "h264"
        assert stream.codec_context.pix_fmt == "yuv420p"
        assert (stream.width, stream.height, stream.average_rate) == (320, 160, 60)
        pictures = [frame.to_ndarray(format="rgb24").astype(int) for frame in file.decode(video=0)]
    assert len(pictures) == 12
    expected = samples.picture(samples.steering_at(11), 11 * 3).astype(int)
    assert abs(pictures[11] - expected).mean() < 12


def test_pictures_of_odd_and_different_sizes_are_accepted(tmp_path: Path) -> None:
    for number, (height, width) in enumerate([(121, 201), (160, 320)]):
        (tmp_path / f"{number}.jpg").write_bytes(samples.jpeg(height=height, width=width))
    summary = encode_frames(list_frames(tmp_path, None), tmp_path / "video.mp4")
    with av.open(str(summary.path)) as file:
        assert (file.streams.video[0].width, file.streams.video[0].height) == (200, 120)


def test_files_that_are_not_pictures_are_left_out_and_counted(run: Path, tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(b"\xff\xd8 no jpeg")
    (tmp_path / "b.jpg").touch()
    (tmp_path / "c.jpg").write_bytes(list_frames(run, 1)[0].read_bytes())
    summary = encode_frames(list_frames(tmp_path, None), tmp_path / "video.mp4")
    assert (summary.pictures, summary.left_out) == (1, 2)


def test_a_folder_without_pictures_is_an_error_and_leaves_no_video(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").touch()
    with pytest.raises(RecordingError, match="no picture can be decoded"):
        encode_frames(list_frames(tmp_path, None), tmp_path / "video.mp4")
    assert [path.name for path in tmp_path.iterdir()] == ["a.jpg"]


def test_a_video_that_cannot_be_written_is_an_error(run: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(RecordingError, match="cannot be written"):
        encode_frames(list_frames(run, None), tmp_path / "file" / "video.mp4")
    with pytest.raises(SettingError, match=r"must end in \.mp4"):
        encode_frames(list_frames(run, None), tmp_path / "video.avi")


def command(*words: str) -> list[str]:
    return [sys.executable, "-m", "simulator.cli.video", *words]


def test_the_command_names_the_video_after_the_folder(run: Path) -> None:
    done = subprocess.run(
        command(str(run), "--fps", "30", "--json"), capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert document == {
        "video": str(run.with_name("run.mp4")),
        "pictures": 12,
        "left_out": 0,
        "seconds": 0.4,
    }
    assert Path(document["video"]).exists()


def test_ctrl_c_leaves_no_partial_video(run: Path, tmp_path: Path) -> None:
    folder = tmp_path / "many"
    folder.mkdir()
    picture = list_frames(run, 1)[0]
    for number in range(20_000):
        os.link(picture, folder / f"{number:05}.jpg")
    process = subprocess.Popen(command(str(folder)), stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 20
    while not list(tmp_path.glob(".many.*.tmp.mp4")):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    assert process.wait(10) == 130
    assert [path.name for path in tmp_path.iterdir()] == ["many"]


def test_lapwing_video_runs_the_command(run: Path, tmp_path: Path) -> None:
    out = tmp_path / "video.mp4"
    done = subprocess.run(
        [sys.executable, "-m", "lapwing", "video", str(run), "--out", str(out)],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert out.exists()
    assert "12" in done.stdout
