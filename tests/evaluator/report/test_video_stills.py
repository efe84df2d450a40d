from pathlib import Path

import matplotlib.image
import pytest
from support.data import reported

from contract.errors import ModelError
from evaluator.report import video_stills


def test_stills_are_at_even_intervals(tmp_path: Path) -> None:
    reported.film(tmp_path / "x.mp4", frames=30)
    times = video_stills.write_stills(tmp_path / "x.mp4", tmp_path / "x.png")
    assert times == pytest.approx([number / 15 for number in (2, 7, 12, 17, 22, 27)])
    sheet = matplotlib.image.imread(tmp_path / "x.png")
    assert sheet.shape[:2] == (2 * 32 + video_stills.GAP_PX, 3 * 64 + 2 * video_stills.GAP_PX)


def test_a_video_of_two_frames_has_two_stills(tmp_path: Path) -> None:
    reported.film(tmp_path / "x.mp4", frames=2)
    assert len(video_stills.write_stills(tmp_path / "x.mp4", tmp_path / "x.png")) == 2


def test_a_file_that_is_not_a_video_is_named(tmp_path: Path) -> None:
    (tmp_path / "x.mp4").write_bytes(b"no film at all")
    with pytest.raises(ModelError, match=r"the video x\.mp4 cannot be read"):
        video_stills.write_stills(tmp_path / "x.mp4", tmp_path / "x.png")
