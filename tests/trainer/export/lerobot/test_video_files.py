from pathlib import Path

import av
import numpy as np

from trainer.export.lerobot.video_files import VideoFiles

FRAMES = np.random.default_rng(8).integers(0, 256, (9, 32, 32, 3)).astype(np.uint8)


def decoded(path: Path) -> np.ndarray:
    with av.open(str(path)) as container:
        return np.stack([frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)])


def test_an_episode_never_crosses_from_one_file_into_the_next(tmp_path: Path) -> None:
    videos = VideoFiles(tmp_path, fps=10, side=32, max_s=0.5)
    places = []
    for first, last in ((0, 2), (2, 6), (6, 9)):
        videos.begin_episode()
        for frame in FRAMES[first:last]:
            videos.add(frame)
        places.append(tuple(videos.end_episode()))
    videos.close()
    videos.close()
    assert places == [(0, 0, 0.0, 0.2), (0, 0, 0.2, 0.6), (0, 1, 0.0, 0.3)]
    np.testing.assert_array_equal(decoded(tmp_path / "chunk-000" / "file-000.mp4"), FRAMES[:6])
    np.testing.assert_array_equal(decoded(tmp_path / "chunk-000" / "file-001.mp4"), FRAMES[6:])
